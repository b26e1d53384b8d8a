"""Routes that ask a model: analysis, substitutes, similarity."""

from __future__ import annotations

from elmo.serve.answers import Analysis, Similarities, SubstitutesFound
from elmo.serve.asking import Analyse, Similarity, Substitutes, tokens_of
from elmo.serve.batching import Batcher
from elmo.serve.questions import Pair, Place, Questions
from elmo.serve.refusing import Refused
from elmo.serve.routing import Question

_NO_SOFTMAX = (
    "this model has no softmax or no vocabulary: it embeds and cannot predict; serve one that can"
)


def questions(model: Questions, batcher: Batcher) -> list[Question]:
    """The table.

    Args:
        model: who answers.
        batcher: through which.
    """

    async def analyse(asked: Analyse) -> Analysis:
        tokens = tokens_of(asked.sentence)
        _must_predict(model)
        return await batcher.ask("analyse", model.analyse, tokens)

    async def substitutes(asked: Substitutes) -> SubstitutesFound:
        tokens = tokens_of(asked.sentence)
        _must_predict(model)
        if asked.position >= len(tokens):
            raise Refused(
                422, f"position: is {asked.position}; the last token has {len(tokens) - 1}"
            )
        key = "substitutes", asked.combine, asked.similarity
        place = Place(tokens, asked.position, asked.count)
        try:
            found = await batcher.ask(key, model.substitutes(*key[1:]), place)
        except ValueError as error:  # the model has one direction, or no word for "and"
            raise Refused(422, str(error)) from None
        return SubstitutesFound(tokens[asked.position], asked.position, found)

    async def similarity(asked: Similarity) -> Similarities:
        pair = Pair(tokens_of(asked.first, "first"), tokens_of(asked.second, "second"))
        return await batcher.ask("similarity", model.similarities, pair)

    return [
        Question(
            "POST",
            "/analyse",
            "Surprisal and entropy of every token of a sentence, in bits per direction.",
            Analyse,
            Analysis,
            analyse,
        ),
        Question(
            "POST",
            "/substitutes",
            "Words that the model expects in the place of a token.",
            Substitutes,
            SubstitutesFound,
            substitutes,
        ),
        Question(
            "POST",
            "/similarity",
            "Cosine of every token of one sentence with every token of another, for each layer.",
            Similarity,
            Similarities,
            similarity,
        ),
    ]


def _must_predict(model: Questions) -> None:
    if not model.predicts:
        raise Refused(422, _NO_SOFTMAX)
