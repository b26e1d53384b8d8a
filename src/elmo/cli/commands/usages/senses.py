"""`elmo usages senses`: induced senses of a word, edited by hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from elmo.cli.columns import columns
from elmo.cli.command import Argument, Command, Option, Result
from elmo.cli.commands.usages.show import Index, Width


def senses(
    folder: Index,
    word: Annotated[str, Argument("WORD")],
    *,
    method: Annotated[
        Literal["kmeans", "agglomerative", "hdbscan"],
        Option("How they are induced where none are kept."),
    ] = "kmeans",
    k: Annotated[
        int | None,
        Option("How many.  [default: by the silhouette]", ("-k", "--k"), metavar="K", least=1),
    ] = None,
    again: Annotated[bool, Option("Induce them anew, and replace those that are kept.")] = False,
    merge: Annotated[
        Sequence[str],
        Option(
            "Make senses one, by numbers or names; may be given again.", metavar="A,B", many=True
        ),
    ] = (),
    split: Annotated[
        Sequence[str], Option("Split a sense; may be given again.", metavar="A", many=True)
    ] = (),
    rename: Annotated[
        Sequence[str], Option("Name a sense; may be given again.", metavar="A=NAME", many=True)
    ] = (),
    gold: Annotated[
        str | None,
        Option(
            "Senses that people gave, to compare with: a table of clusters (identifier, cluster), its "
            "identifiers those of elmo usages export.",
            metavar="FILE",
        ),
    ] = None,
    substitutes: Annotated[
        bool,
        Option(
            "Ask the model which substitutes tell the senses apart.",
            ("--substitutes/--no-substitutes",),
        ),
    ] = True,
    count: Annotated[int, Option("Central uses of each.", ("-n", "--count"), least=1)] = 3,
    seed: Annotated[int, Option("Of k-means and of what is drawn.", least=0)] = 0,
    model: Annotated[
        str | None, Option("Where the model is, if it was moved.", metavar="MODEL")
    ] = None,
    width: Width = None,
) -> dict[str, Any]:
    """Senses of a word; see `elmo.usages.senses.of_word`.

    They are kept in `DIR/senses/WORD.json`, from the first edit or `--again` on; first splits, then
    merges, then names are done.

    Returns:
        `word`, `uses`, `method`, `k`, `silhouettes`, `kept` (the file, or null), `without` (uses in no
        sense), `senses` (for each `number`, `name`, `uses`, `share`, `periods`, `words`, `substitutes`
        and `central`), and `agreement` where gold is given.
    """
    import elmo.usages
    from elmo.usages.senses.inventory import split_sense
    from elmo.usages.senses.of_word import described, open_senses, substitutes_of

    named = [_named(one) for one in rename]
    index = elmo.usages.open(folder)
    found = open_senses(index, word, method, k, again=again, seed=seed)
    edited = found.senses
    for one in split:
        edited = split_sense(edited, one, found.keys, found.uses.vectors)
    for several in merge:
        edited = edited.merge([part.strip() for part in several.split(",")])
    for one, name in named:
        edited = edited.rename(one, name)
    agreed = None if gold is None else _agreement(index, found, gold)
    path = None
    if again or edited != found.senses:
        path = edited.write(index.folder)
        found = open_senses(index, word, seed=seed)
    elif found.kept:
        from elmo.usages.senses.inventory import sense_file

        path = sense_file(index.folder, word)
    told = substitutes_of(index, found, model, seed) if substitutes else None
    return {
        "word": word,
        "uses": len(found.uses),
        "method": found.senses.method,
        "k": len(found.senses.senses),
        "silhouettes": {} if found.induced is None else found.induced.silhouettes,
        "kept": None if path is None else str(path),
        "without": int((found.labels < 0).sum()),
        "senses": described(index, found, count, told),
        "edits": list(found.senses.edits),
        "width": width,
        **({} if agreed is None else {"agreement": agreed}),
    }


def _named(text: str) -> tuple[str, str]:
    sense, sign, name = text.partition("=")
    if not sign or not sense.strip():
        raise ValueError(f"rename={text!r}: must be a sense, = and its name, such as 1=river")
    return sense.strip(), name.strip()


def _agreement(index: Any, found: Any, gold: str) -> dict[str, float]:
    from elmo.usages.layouts.from_index import identifiers
    from elmo.usages.layouts.wug import read_clusters
    from elmo.usages.senses.agreement import agreement

    given = read_clusters(gold)
    names = identifiers(index, found.uses)
    rows = [row for row, name in enumerate(names) if name in given and given[name] != "-1"]
    if not rows:
        raise ValueError(
            f"{gold}: none of its identifiers is one of a use of {found.senses.word!r}"
        )
    return agreement(
        [int(found.labels[r]) for r in rows], [given[names[r]] for r in rows]
    ).to_dict()


def show(result: Result) -> str:
    """Each sense with its share of the periods, its words, and its central uses."""
    from elmo.cli.kwic import kwic
    from elmo.usages.use import Use

    lines = [
        f"{result['word']}: {result['uses']:,} uses, {result['k']} senses ({result['method']})"
    ]
    if tried := result["silhouettes"]:
        lines.append("silhouette " + ", ".join(f"{k}: {v:.3f}" for k, v in tried.items()))
    if result["without"]:
        lines.append(f"{result['without']:,} uses in no sense")
    for sense in result["senses"]:
        name = f" {sense['name']}" if sense["name"] else ""
        lines += ["", f"{sense['number']}{name}: {sense['uses']:,} uses, {sense['share']:.0%}"]
        for what, told in (("beside it", sense["words"]), ("in its place", sense["substitutes"])):
            if told:
                lines.append(f"  {what}: {', '.join(one['word'] for one in told)}")
        lines += kwic([Use(**use) for use in sense["central"]], result["width"])
    names = list(result["senses"][0]["periods"]) if result["senses"] else []
    if 1 < len(names) <= 12:
        rows = [("", *names)]
        for sense in result["senses"]:
            values = (sense["periods"].get(name) for name in names)
            cells = ("–" if v is None or v != v else f"{v:.0%}" for v in values)
            rows.append((sense["name"] or str(sense["number"]), *cells))
        lines += ["", columns(rows)]
    if agreed := result.get("agreement"):
        lines += [
            "",
            f"with gold, {agreed['uses']:,} uses: ARI {agreed['ari']:.3f}, V-measure "
            f"{agreed['v_measure']:.3f}, B-cubed {agreed['b_cubed']:.3f}",
        ]
    if result["kept"]:
        lines += ["", f"kept in {result['kept']}"]
    return "\n".join(lines)


COMMAND = Command(
    senses,
    show,
    "Induced senses of a word: shares, central uses, what tells them apart.",
    "elmo usages senses novels.uses bank\n"
    "elmo usages senses novels.uses bank -k 3 --again\n"
    "elmo usages senses novels.uses bank --merge 1,3 --rename 1=river --rename 2=money",
)
