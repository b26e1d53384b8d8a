"""The description of the API (OpenAPI 3.1), made of the table of its routes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from elmo._version import __version__
from elmo.serve.answers import Failure
from elmo.serve.refusing import JSON
from elmo.serve.routing import Question

_REF = "#/components/schemas/{name}"
_EVERYWHERE = {
    "403": "The request comes from another site, or asks by a name that the server does not have.",
    "422": "A field is wrong; the sentence says which one.",
    "503": "Too many requests wait, or the server stops.",
    "504": "The answer took too long.",
}
_OF_BODIES = {
    "400": "The body is no JSON.",
    "413": "The body is too large.",
    "415": "The body is not declared to be JSON.",
}


def description(questions: Sequence[Question]) -> dict[str, Any]:
    """The document.

    Args:
        questions: all routes.
    """
    types: list[Any] = [Failure]
    for question in questions:
        types.append(question.asks)
        if not isinstance(question.answers, tuple):
            types.append(question.answers)
    schemas, components = msgspec.json.schema_components(types, ref_template=_REF)
    known = dict(zip(types, schemas, strict=True))
    paths: dict[str, Any] = {}
    for question in questions:
        described = _operation(question, known, components)
        paths.setdefault(f"/api{question.path}", {})[question.method.lower()] = described
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "elmo serve",
            "version": __version__,
            "description": "What a biLM and an index of uses answer. Every refusal is a JSON object "
            "whose `error` is one sentence.",
        },
        "paths": paths,
        "components": {"schemas": components},
    }


def _operation(
    question: Question, known: dict[Any, Any], components: dict[str, Any]
) -> dict[str, Any]:
    answers = question.answers
    if isinstance(answers, tuple):
        content: dict[str, Any] = {kind: {"schema": {"type": "string"}} for kind in answers}
    else:
        content = {JSON: {"schema": known[answers]}}
    failures = dict(_EVERYWHERE) | {str(status): when for status, when in question.refuses}
    operation: dict[str, Any] = {"operationId": question.name, "summary": question.summary}
    fields = components[question.asks.__name__]
    if question.method == "POST":
        failures |= _OF_BODIES
        body = {JSON: {"schema": known[question.asks]}}
        operation["requestBody"] = {"required": True, "content": body}
    elif fields["properties"]:
        operation["parameters"] = [
            {
                "name": name,
                "in": "query",
                "required": name in fields.get("required", ()),
                "schema": schema,
            }
            for name, schema in fields["properties"].items()
        ]
    operation["responses"] = {
        "200": {"description": "The answer.", "content": content},
        **{
            status: {"description": when, "content": {JSON: {"schema": known[Failure]}}}
            for status, when in sorted(failures.items())
        },
    }
    return operation
