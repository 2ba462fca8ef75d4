"""Templates: finding markers, taking strings apart, and putting data in their place."""

import time
from contextlib import suppress
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from dag.expressions import INLINE, ExpressionBudget, ExpressionSyntax, Missing, Moment, evaluate
from dag.invocation import SecretText
from dag.plan import Template
from dag.templates import LONGEST_TEXT, Marker, Rendered, TemplateSyntax, Text, render, scan, split

MOMENT = Moment(now_ms=0, seed=0)
SCOPE: dict[str, Any] = {
    "text": "hello",
    "number": 1.50,
    "flag": False,
    "nothing": None,
    "list": [1, "two"],
    "object": {"a": [True, None]},
    "looks": "${{ text }} $${{ }}",
}

texts = st.text(st.sampled_from("ab $\\{}\"'`"), max_size=12) | st.text(max_size=8)
plain_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10).filter(lambda text: "${{" not in text),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=15,
)
markers = st.sampled_from(
    [
        "text",
        " text ",
        '"}}"',
        "'}}'",
        "`}}`",
        '{"a": {"b": 1}}',
        '"\\"}}"',
        "'{'",
        "{'x': '}'}",
        '$split("a}}b", "}}")',
    ]
)


def ask(source: str) -> JsonValue | Missing:
    return evaluate(source, SCOPE, MOMENT, INLINE)


def rendered(value: JsonValue) -> JsonValue:
    found = render(scan(value), ask)
    assert found.secrets == ()
    return found.value


# Taking apart


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", ()),
        ("plain", (Text("plain"),)),
        ("${{ a }}", (Marker(" a ", 3),)),
        ("x${{a}}y", (Text("x"), Marker("a", 4), Text("y"))),
        ("${{a}}${{b}}", (Marker("a", 3), Marker("b", 9))),
        ("$${{a}}", (Text("${{a}}"),)),
        ("$$${{a}}", (Text("$${{a}}"),)),
        ("${ {a}}", (Text("${ {a}}"),)),
        ("{{ a }}", (Text("{{ a }}"),)),
        ("a }} b", (Text("a }} b"),)),
        ('${{ {"a": {"b": 1}} }}', (Marker(' {"a": {"b": 1}} ', 3),)),
        ('${{ {"a": {"b": 1}}}}', (Marker(' {"a": {"b": 1}}', 3),)),
        ("${{ '}}' }}", (Marker(" '}}' ", 3),)),
        ('${{ "\\"}}" }}', (Marker(' "\\"}}" ', 3),)),
        ("${{ `a}}\\` }}", (Marker(" `a}}\\` ", 3),)),
        ("${{ a } }}", (Marker(" a } ", 3),)),
        ("${{}}", (Marker("", 3),)),
        ("${{ ${{ }}", None),
        ("${{ a", None),
        ("${{ a }", None),
        ("${{ ' }}", None),
        ("${{ { }}", None),
    ],
)
def test_splitting(text: str, parts: tuple[Text | Marker, ...] | None) -> None:
    if parts is None:
        with pytest.raises(TemplateSyntax):
            split(text)
    else:
        assert split(text) == parts


@given(st.lists(texts.filter(lambda text: "${" not in text and not text.endswith("$")) | markers.map(lambda m: (m,))))
def test_what_is_put_together_comes_apart_again(parts: list[str | tuple[str]]) -> None:
    text = "".join(part if isinstance(part, str) else f"${{{{{part[0]}}}}}" for part in parts)
    found = split(text)
    expected: list[str | tuple[str]] = []
    for part in parts:
        if isinstance(part, str) and expected and isinstance(expected[-1], str):
            expected[-1] += part
        elif part != "":
            expected.append(part)
    assert [part.text if isinstance(part, Text) else (part.source,) for part in found] == expected
    for part in found:
        if isinstance(part, Marker):
            assert text[part.offset :].startswith(part.source + "}}")
            assert text[: part.offset].endswith("${{")


@given(st.text(max_size=20))
def test_any_text_can_be_escaped(text: str) -> None:
    assert rendered(text.replace("${{", "$${{")) == text


@given(st.lists(texts).map("${{".join))
def test_any_text_comes_apart_or_is_refused(text: str) -> None:
    try:
        split(text)
    except TemplateSyntax as error:
        assert text.startswith("${{", error.position)  # noqa: PT017


def test_a_marker_without_an_end_is_told_with_its_place() -> None:
    with pytest.raises(ExpressionSyntax, match="character 6 ") as caught:
        split("fine: ${{ {'a': 1 }}")
    assert caught.value.code == "expression.failed"
    assert caught.value.details == {"position": 6}
    assert "`$${{`" in caught.value.message
    assert "`${{`" in caught.value.message
    assert "`}}`" in caught.value.message


# Finding


def test_scanning_finds_markers_and_escapes_in_written_order() -> None:
    value: JsonValue = {"b": ["x", "${{ a }}", {"c": "$${{"}], "a": "${{ b }}", "n": 1, "k": "no"}
    assert scan(value) == Template(value, (("b", 1), ("b", 2, "c"), ("a",)))
    assert scan("${{ a }}").places == ((),)


@given(plain_values)
def test_a_value_without_markers_is_its_own_rendering(value: JsonValue) -> None:
    template = scan(value)
    assert template.places == ()
    assert render(template, ask).value is value


# Rendering


@pytest.mark.parametrize("name", ["text", "number", "flag", "nothing", "list", "object", "looks"])
def test_a_marker_by_itself_keeps_the_type(name: str) -> None:
    assert rendered(f"${{{{ {name} }}}}") == SCOPE[name]
    assert rendered([f"${{{{{name}}}}}"]) == [SCOPE[name]]


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("${{ text }}!", "hello!"),
        (" ${{ text }}", " hello"),
        ("${{ number }}${{ number }}", "1.51.5"),
        ("${{ flag }}/${{ nothing }}/${{ gone }}", "false//"),
        ("${{ list }} and ${{ object }}", '[1,"two"] and {"a":[true,null]}'),
        ("$${{ text }} ${{ text }}", "${{ text }} hello"),
        ("is ${{ looks }}", "is ${{ text }} $${{ }}"),
        ("${{ 0.1 + 0.2 }}, ${{ 1e21 }}, ${{ 10 / 4 }}", "0.3, 1e+21, 2.5"),
        ('${{ $join(["{", "}}"]) }}.', "{}}."),
    ],
)
def test_text_around_a_marker_makes_text(text: str, result: str) -> None:
    assert rendered(text) == result


def test_a_marker_that_yields_nothing_removes_its_key_and_is_null_elsewhere() -> None:
    assert rendered({"a": "${{ gone }}", "b": "${{ nothing }}", "c": "x${{ gone }}"}) == {"b": None, "c": "x"}
    assert rendered(["${{ gone }}", 1]) == [None, 1]
    assert rendered("${{ gone }}") is None
    assert rendered([{"a": "${{ gone }}"}, {"b": ["${{ gone }}"]}]) == [{}, {"b": [None]}]


def test_the_order_of_keys_stays() -> None:
    found = rendered({"z": "${{ text }}", "a": 1, "m": "${{ gone }}", "b": "${{ list }}"})
    assert isinstance(found, dict)
    assert list(found) == ["z", "a", "b"]


def test_a_template_is_never_changed_and_what_has_no_marker_is_shared() -> None:
    value: Any = {"a": ["${{ text }}", {"deep": [1]}], "b": {"c": [2]}}
    before = deepcopy(value)
    found: Any = rendered(value)
    assert value == before
    assert found == {"a": ["hello", {"deep": [1]}], "b": {"c": [2]}}
    assert found["b"] is value["b"]
    assert found["a"][1] is value["a"][1]


def test_data_that_looks_like_a_template_is_data() -> None:
    asked: list[str] = []

    def echo(source: str) -> JsonValue:
        asked.append(source)
        return "${{ secrets.key }} ${{ x }}"

    found = render(scan({"a": "${{ one }}", "b": "- ${{ two }}"}), echo)
    assert found == Rendered({"a": "${{ secrets.key }} ${{ x }}", "b": "- ${{ secrets.key }} ${{ x }}"})
    assert asked == [" one ", " two "]


@given(
    st.recursive(st.just("${{ text }}") | plain_values, lambda inner: st.lists(inner) | st.dictionaries(texts, inner))
)
def test_rendering_touches_only_markers(value: JsonValue) -> None:
    assert render(scan(value), lambda _: "hello").value == _replaced(value)


def _replaced(value: JsonValue) -> JsonValue:
    match value:
        case "${{ text }}":
            return "hello"
        case dict():
            return {key: _replaced(child) for key, child in value.items()}
        case list():
            return [_replaced(child) for child in value]
        case _:
            return value


# Secrets


def test_a_secret_becomes_parts_for_the_worker_and_stars_here() -> None:
    value: JsonValue = {
        "headers": {"Authorization": "Bearer ${{ secrets.token }}", "a/b~": ["${{secrets.`other key`}}"]},
        "mixed": "${{ text }}:${{ secrets.token }} $${{ ${{ list }}",
    }
    found = render(scan(value), ask)
    assert found.value == {
        "headers": {"Authorization": "Bearer ***", "a/b~": ["***"]},
        "mixed": 'hello:*** ${{ [1,"two"]',
    }
    assert found.secrets == (
        SecretText("/headers/Authorization", ("Bearer ", ("token",))),
        SecretText("/headers/a~1b~0/0", (("other key",),)),
        SecretText("/mixed", ("hello", ":", ("token",), " ${{ ", '[1,"two"]')),
    )


def test_the_place_of_a_secret_holds_when_keys_before_it_vanish() -> None:
    found = render(scan({"a": "${{ gone }}", "l": ["${{ gone }}", "${{ secrets.k }}"]}), ask)
    assert found.value == {"l": [None, "***"]}
    assert found.secrets == (SecretText("/l/1", (("k",),)),)


def test_data_cannot_ask_for_a_secret() -> None:
    found = render(scan("${{ evil }} ${{ secrets.mine }}"), lambda _: "${{ secrets.yours }} ***")
    assert found.secrets == (SecretText("", ("${{ secrets.yours }} ***", " ", ("mine",))),)


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("secrets.a", "a"),
        ("  secrets . a_1 ", "a_1"),
        ("secrets.`a b`", "a b"),
        ("secrets", None),
        ("secrets.a.b", None),
        ("secrets.a & ''", None),
        ("(secrets.a)", None),
        ("$secrets.a", None),
        ("nosecrets.a", None),
        ("secrets.a-b", None),
        ("secrets.``", None),
        ("secrets.é", None),
    ],
)
def test_only_a_secret_by_itself_is_one(source: str, name: str | None) -> None:
    assert Marker(source, 0).secret == name


# Bounds


@pytest.mark.parametrize(
    "text",
    [
        "${{" * 660_000,
        "$${{" * 500_000,
        "{" * 2_000_000,
        "${{ " + "{" * 2_000_000,
        "${{ " + "{}" * 1_000_000 + " }}",
        "${{" + '"' * 2_000_000,
        '${{ "' + "\\" * 2_000_000,
        "${{ '" + "${{" * 660_000,
        "${{ `" * 400_000,
        "${{ a }}" * 250_000,
        "${{ a }" * 280_000,
        "}}" * 1_000_000,
        "$" * 2_000_000,
    ],
    ids=lambda text: text[:8] + "…",
)
def test_two_million_characters_are_split_soon(text: str) -> None:
    began = time.process_time()
    with suppress(TemplateSyntax):
        split(text)
    assert time.process_time() - began < 5


def test_a_wide_value_is_rendered_soon() -> None:
    value: JsonValue = {f"k{n}": [{"a": "${{ text }}"}, n] for n in range(20_000)}
    began = time.process_time()
    assert rendered(value) == {f"k{n}": [{"a": "hello"}, n] for n in range(20_000)}
    assert time.process_time() - began < 5


def test_a_value_that_is_nested_too_deeply_is_refused() -> None:
    value: JsonValue = "${{ text }}"
    for _ in range(240):
        value = [value]
    assert str(rendered(value)).strip("[]") == "'hello'"
    for _ in range(50_000):
        value = [value]
    with pytest.raises(ExpressionBudget, match="250"):
        scan(value)


def test_texts_grow_to_a_bound() -> None:
    long = "x" * (LONGEST_TEXT // 4)
    value: JsonValue = ["a ${{ long }}"] * 5  # pyright: ignore[reportAssignmentType]
    template = scan(value)
    with pytest.raises(ExpressionBudget):
        render(template, lambda _: long)
