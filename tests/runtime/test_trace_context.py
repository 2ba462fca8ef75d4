"""What is carried of a trace, and what is refused."""

import pytest

from runtime.trace_context import Trace, enclosing, payload, read, trace, written
from runtime.tracing import wanted

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def test_a_header_comes_back_as_it_went() -> None:
    span = read(PARENT)
    assert span is not None
    assert written(span) == PARENT
    assert trace(payload(span), "ex_1") == Trace(span, "ex_1")


@pytest.mark.parametrize(
    "text", ["", "00", PARENT.upper(), PARENT + "-x", PARENT.replace("b7ad6b7169203331", "0" * 16), "01" + PARENT[2:]]
)
def test_what_is_no_header_begins_no_trace(text: str) -> None:
    assert read(text) is None


def test_the_span_of_a_node_run_is_the_same_everywhere_and_no_other_ones() -> None:
    span = read(PARENT)
    assert span is not None
    paths = ["", "a", "b", "each[1].a", "each[2].a"]
    ids = {Trace(span, execution).of(path).span_id for execution in ("ex_1", "ex_2") for path in paths}
    assert len(ids) == 2 * len(paths)
    assert Trace(span, "ex_1").of("a") == Trace(span, "ex_1").of("a")


@pytest.mark.parametrize(
    ("path", "around"), [("a", ""), ("each[2].pay", "each"), ("x.left.each[2].pay", "x.left.each"), ("x.left.y", "x")]
)
def test_a_node_run_lies_in_the_one_around_it(path: str, around: str) -> None:
    assert enclosing(path) == around


@pytest.mark.parametrize(
    ("environment", "is_wanted"),
    [
        ({}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318", "OTEL_TRACES_EXPORTER": "none"}, False),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, True),
        ({"OTEL_TRACES_EXPORTER": "otlp", "OTEL_SDK_DISABLED": "true"}, False),
    ],
)
def test_traces_are_written_only_where_the_environment_says_where_to(
    environment: dict[str, str], *, is_wanted: bool
) -> None:
    assert wanted(environment) is is_wanted
