"""The API against its own description: whatever is sent, an answer that the description allows."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable

from elmo.serve import app

NAMES = {"127.0.0.1", "testserver", "localhost"}


def check(application, examples=6):
    """Send what the description allows and what it forbids to every route."""
    schemathesis = pytest.importorskip("schemathesis", reason="schemathesis is not installed")
    from schemathesis import GenerationMode
    from schemathesis.specs.openapi.checks import positive_data_acceptance

    schema = schemathesis.openapi.from_asgi("/api/openapi.json", application)
    asked = 0
    for found in schema.get_all_operations():
        operation = found.ok()
        for mode in GenerationMode:

            @given(case=operation.as_strategy(generation_mode=mode))
            @settings(
                max_examples=examples,
                deadline=None,
                derandomize=True,
                database=None,
                suppress_health_check=list(HealthCheck),
            )
            def answered(case):
                nonlocal asked
                asked += 1
                # No schema knows how many tokens a sentence has: a position beyond them is refused.
                case.call_and_validate(excluded_checks=[positive_data_acceptance])

            try:
                answered()
            except Unsatisfiable:  # a route without fields cannot be asked wrongly
                assert (mode, operation.path) == (GenerationMode.NEGATIVE, "/api/info")
    return asked


def test_questions_to_a_model(tiny):
    assert check(app(tiny, hosts=NAMES)) > 30


def test_questions_to_an_index(index):
    assert check(app(usages=index, hosts=NAMES), examples=3) > 30
