"""The API keeps to its own OpenAPI document, whatever it is sent (schemathesis)."""

from __future__ import annotations

from typing import Any

import pytest
from colour_service import fake_model
from hypothesis import HealthCheck, given, settings

from fishdet.service.app import create_app
from fishdet.service.settings import Settings


@pytest.mark.parametrize("examples", [4, pytest.param(300, marks=pytest.mark.slow)])
def test_answers_are_as_documented(examples: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    schemathesis = pytest.importorskip("schemathesis", reason="schemathesis needs Python 3.11")
    feedback = tmp_path_factory.mktemp("schema") / "corrections.sqlite"
    app = create_app(fake_model(), Settings(rate=0, feedback=feedback))
    # Bytes that are no picture keep to the schema and are refused all the same.
    from schemathesis.specs.openapi.checks import positive_data_acceptance as refused

    schema = schemathesis.openapi.from_asgi("/openapi.json", app)  # starts the worker as well
    seen = 0
    for operation in (found.ok() for found in schema.get_all_operations()):
        keeps_to_it(operation, examples, [refused])
        seen += 1
    assert seen >= 8


def keeps_to_it(operation: Any, examples: int, excluded: list[Any]) -> None:
    @settings(max_examples=examples, deadline=None, derandomize=examples < 100, database=None,
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(case=operation.as_strategy())
    def check(case: Any) -> None:
        case.call_and_validate(excluded_checks=excluded)

    check()
