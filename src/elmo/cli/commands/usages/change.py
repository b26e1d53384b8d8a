"""`elmo usages change`: how the use of words changed between periods."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from elmo.cli.columns import columns
from elmo.cli.command import Argument, Command, Option, Result
from elmo.cli.commands.usages.show import Index, Width


def change(
    folder: Index,
    words: Annotated[Sequence[str], Argument("WORDS", many=True, required=False)] = (),
    *,
    earlier: Annotated[
        str | None, Option("The earlier period: years or a label.", ("--from",), metavar="PERIOD")
    ] = None,
    later: Annotated[str | None, Option("The later one.", ("--to",), metavar="PERIOD")] = None,
    over: Annotated[
        str | None,
        Option("A series of one word over these, in place of --from and --to.", metavar="P,P,P…"),
    ] = None,
    sort: Annotated[
        Literal["apd", "apd_excess", "prt", "jsd", "graded", "binary"],
        Option("Words with the largest of this one first."),
    ] = "apd_excess",
    senses: Annotated[
        int, Option("Induced per word where none are kept; 0 for none.", metavar="K", least=0)
    ] = 4,
    thresholds: Annotated[
        str,
        Option("A sense is absent with K uses of a hundred, present with N.", metavar="K,N"),
    ] = "2,5",
    control: Annotated[
        int | None,
        Option("Beside it, every measure from N uses of each period.", metavar="N", least=2),
    ] = None,
    mean: Annotated[
        Literal["word", "corpus", "none"],
        Option(
            "Taken off the vectors first: the word's own (not for prt), that of all words, none."
        ),
    ] = "word",
    unit: Annotated[
        Literal["document", "use"] | None,
        Option("What is drawn.  [default: document, where each period has five]"),
    ] = None,
    bootstrap: Annotated[int, Option("Resamples of the intervals; 0 for none.", least=0)] = 1000,
    permutations: Annotated[int, Option("Of the test; 0 for none.", least=0)] = 1000,
    seed: Annotated[int, Option("Of all that is drawn.", least=0)] = 0,
    least: Annotated[int, Option("Uses in each period.", least=2)] = 10,
    most_words: Annotated[
        int, Option("Of all words, the most frequent ones, where none are named.", least=1)
    ] = 5000,
    count: Annotated[int, Option("Words that are shown.", ("-n", "--count"), least=1)] = 20,
    output: Annotated[
        str | os.PathLike[str] | None,
        Option(
            "A table: .csv, .jsonl, .parquet; or a picture of a series: .svg, .png, .pdf.",
            ("-o", "--output"),
            metavar="PATH",
        ),
    ] = None,
    overwrite: Annotated[bool, Option("Replace what is there.")] = False,
    width: Width = None,
) -> dict[str, Any]:
    """Change of words between two periods, or of one word over several; see `elmo.usages.change`.

    Returns:
        `from`, `to`, `words` (each as `WordChange.to_dict`, the largest of `sort` first), `compared`,
        `frequency` (Spearman's correlation of each measure with it), and for a single word `carrying`
        (of either period the uses that carry the score); or `word` and `series`.
    """
    import elmo.usages
    from elmo.usages.change.comparison import Comparison
    from elmo.usages.change.measures import Thresholds
    from elmo.usages.change.of_index import (
        carrying_uses,
        change_of_words,
        common_mean,
        with_frequency,
        words_to_compare,
    )
    from elmo.usages.change.resampling import Resampling

    _check(words, earlier, later, over)
    if output is not None:
        _check_output(output, over is not None, overwrite)
    first, second = (over.split(",")[0], over.split(",")[-1]) if over else (earlier, later)
    index = elmo.usages.open(folder)
    comparison = Comparison(
        earlier=str(first),
        later=str(second),
        senses=senses,
        thresholds=Thresholds(*_numbers(thresholds)),
        resampling=Resampling(bootstrap, permutations, seed=seed),
        unit=unit,
        centre="word" if mean == "word" else "none",
        mean=common_mean(index) if mean == "corpus" else None,
        least=least,
        control=control,
    )
    if over:
        return _series(index, words[0], over.split(","), comparison, sort, output, overwrite)
    asked = list(words) or words_to_compare(index, least, most_words)
    found = change_of_words(index, comparison, asked)
    found.sort(key=lambda one: -_value(one, sort))
    result: dict[str, Any] = {
        "from": earlier,
        "to": later,
        "sort": sort,
        "asked": len(asked),
        "compared": len(found),
        "words": [one.to_dict() for one in found],
        "frequency": with_frequency(found),
        "count": count,
        "width": width,
    }
    if len(asked) == 1 and found:
        result["carrying"] = carrying_uses(index, asked[0], comparison)
    if output is not None:
        _write(output, found, overwrite)
        result["path"] = str(output)
    return result


def _check(words: Sequence[str], earlier: str | None, later: str | None, over: str | None) -> None:
    if over is None and (earlier is None or later is None):
        raise ValueError("give both periods, --from and --to, or several with --over")
    if over is not None and (earlier is not None or later is not None):
        raise ValueError("--over names all periods; leave --from and --to out")
    if over is not None and len(words) != 1:
        raise ValueError(f"--over is of one word, and {len(words)} are given")


def _check_output(path: str | os.PathLike[str], picture: bool, overwrite: bool) -> None:
    from pathlib import Path

    from elmo.cli.paths import check_files, check_parent
    from elmo.language.tables import check_table
    from elmo.training.drawing import TYPES

    if picture and Path(path).suffix.lower() in TYPES:
        check_parent(Path(path))
        check_files([Path(path)], overwrite)
    else:
        check_table(path, overwrite)


def _numbers(text: str) -> tuple[float, float]:
    try:
        k, n = (float(part) for part in text.split(","))
    except ValueError:
        raise ValueError(f"thresholds={text!r}: must be two numbers with a comma, as 2,5") from None
    return k, n


def _value(one: Any, name: str) -> float:
    score = one.scores.get(name)
    return score.value if score is not None and score.value == score.value else -1e9


def _series(
    index: Any,
    word: str,
    periods: Sequence[str],
    comparison: Any,
    sort: str,
    output: str | os.PathLike[str] | None,
    overwrite: bool,
) -> dict[str, Any]:
    from elmo.usages.change.of_index import READ, kept_senses
    from elmo.usages.change.series import series
    from elmo.usages.layouts.tables import write_series

    uses = index.uses(word, most=READ)
    steps = series(uses, periods, comparison, senses=kept_senses(index, uses))
    result: dict[str, Any] = {
        "word": word,
        "sort": sort,
        "series": [step.to_dict() for step in steps],
    }
    if output is not None:
        write_series(output, word, steps, sort, overwrite=overwrite)
        result["path"] = str(output)
    return result


def _write(path: str | os.PathLike[str], found: Sequence[Any], overwrite: bool) -> None:
    from elmo.usages.layouts.tables import write_changes

    write_changes(path, found, overwrite=overwrite)


def show(result: Result) -> str:
    """A line for each word, with frequencies, scores and intervals."""
    if "series" in result:
        return _show_series(result)
    lines = [
        f"{result['from']} → {result['to']}: {result['compared']:,} of {result['asked']:,} words"
    ]
    lines[0] += " have enough uses in both"
    shown = result["words"][: result["count"]]
    if shown:
        lines += ["", _table(result, shown)]
        units = {one["unit"] for one in shown}
        lines.append(f"intervals and p draw whole {'s or single '.join(sorted(units))}s")
    for name, row in result["frequency"].items():
        if row["plain"] == row["plain"] and result["compared"] > 9:
            more = f", controlled {row['controlled']:.2f}" if "controlled" in row else ""
            lines.append(f"{name} with frequency: Spearman {row['plain']:.2f}{more}")
    for period, uses in result.get("carrying", {}).items():
        lines += ["", f"carry the score in {period}", *_kwic(uses, result["width"])]
    if "path" in result:
        lines.append(f"{result['path']}: a row per word")
    return "\n".join(lines)


def _table(result: Result, shown: Sequence[Any]) -> str:
    names = list(shown[0]["scores"])
    rows = [("", "per million", "", *names, f"{result['sort']}: interval", "q")]
    for one in shown:
        scores = one["scores"]
        million = one["per_million"]
        main = scores.get(result["sort"], next(iter(scores.values())))
        rows.append(
            (
                one["word"],
                *(f"{x:,.1f}" for x in million),
                *(f"{scores[name]['value']:.3f}" for name in names),
                f"{main['low']:.3f} to {main['high']:.3f}",
                f"{main['q']:.3f}",
            )
        )
        if one["controlled"]:
            cells = (f"{one['controlled'][name]:.3f}" for name in names)
            rows.append(("  controlled", "", "", *cells, "", ""))
    return columns(rows)


def _kwic(uses: Sequence[Any], width: int | None) -> list[str]:
    from elmo.cli.kwic import kwic
    from elmo.usages.use import Use

    plain = [{k: v for k, v in use.items() if k != "carried"} for use in uses]
    return kwic([Use(**use) for use in plain], width, [use["carried"] for use in uses])


def _show_series(result: Result) -> str:
    rows: list[tuple[str, ...]] = [(result["word"], "uses", result["sort"], "interval", "p")]
    for step in result["series"]:
        name = f"{step['from']} → {step['to']}"
        found = step["change"]
        if found is None:
            rows.append((name, "too few", "–", "–", "–"))
            continue
        score = found["scores"][result["sort"]]
        rows.append(
            (
                name,
                " ".join(f"{n:,}" for n in found["uses"]),
                f"{score['value']:.3f}",
                f"{score['low']:.3f} to {score['high']:.3f}",
                f"{score['p']:.3f}",
            )
        )
    text = columns(rows)
    return f"{text}\n{result['path']}" if "path" in result else text


COMMAND = Command(
    change,
    show,
    "How the use of words changed between periods, with intervals and tests.",
    "elmo usages change novels.uses --from 1840-1869 --to 1890-1920 -o change.csv\n"
    "elmo usages change novels.uses --from 1840-1869 --to 1890-1920 awful --control 50\n"
    "elmo usages change novels.uses awful --over 1840-1859,1860-1879,1880-1899,1900-1920 -o awful.svg",
)
