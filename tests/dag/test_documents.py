"""Documents as text: what YAML and JSON mean, what is refused, and that nothing is lost on the way."""

import json
import time
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import JsonValue

from dag.documents import DocumentInvalid, Format, read, write
from dag.limits import Limits

LARGE = 5 * 1024 * 1024 - 100

WORDS = [
    "on",
    "no",
    "y",
    "0777",
    "1e3",
    "12:30",
    "2001-01-01",
    "<<",
    "=",
    "null",
    "~",
    "0x1",
    "0o7",
    ".inf",
    "1_0",
    "+1",
    "---",
    "...",
    "1.",
    "-0",
]

numbers = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
texts = (
    st.text(st.characters(codec="utf-8", exclude_characters="\0"))
    | st.text(" \n\t:#-'\"|>\\a\r\x85\u2028\ufeff~&*!%@`{}[],?<=\x07\x1b\x7f😀", max_size=12)
    | st.sampled_from(
        [
            "on",
            "no",
            "y",
            "0777",
            "1e3",
            "12:30",
            "2001-01-01",
            "<<",
            "=",
            "null",
            "~",
            "0x1",
            "0o7",
            ".inf",
            "1_0",
            "+1",
            "---",
            "...",
            "1.",
            "-0",
        ]
    )
)
scalars = st.none() | st.booleans() | numbers | texts
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4), max_leaves=8
)


def problems(text: str | bytes, format: Format = "yaml", limits: Limits | None = None) -> list[tuple[str, str]]:
    with pytest.raises(DocumentInvalid) as refused:
        read(text, format=format, limits=limits or Limits())
    return [(problem.code, problem.path) for problem in refused.value.problems]


@settings(deadline=None)
@given(values, st.sampled_from(("yaml", "json")))
def test_a_written_value_reads_as_itself_in_its_order(value: JsonValue, format: Format) -> None:
    assert repr(read(write(value, format), format=format)) == repr(value)


@settings(deadline=None)
@given(st.lists(texts, max_size=5))
def test_text_stays_text_for_an_old_yaml_reader_too(words: list[str]) -> None:
    assert all(isinstance(word, str) for word in yaml.safe_load(write(list(words), "yaml")))


def test_text_of_several_lines_is_written_as_a_block() -> None:
    assert write({"text": "one\ntwo\n"}, "yaml") == "text: |\n  one\n  two\n"


def test_the_order_of_keys_is_kept() -> None:
    text = "b: 1\na: 2\nc: {z: 1, y: 2}\n"
    assert (
        write(read(text, format="yaml"), "json").replace(" ", "").replace("\n", "") == '{"b":1,"a":2,"c":{"z":1,"y":2}}'
    )


def test_the_document_of_everything_survives_both_formats() -> None:
    document = read((Path(__file__).parent / "everything.yaml").read_text(), format="yaml")
    for format in ("yaml", "json"):
        assert json.dumps(read(write(document, format), format=format)) == json.dumps(document)


def test_scalars_mean_what_they_mean_in_yaml_1_2() -> None:
    words = "on no yes Off 0777 01.5 12:30:45 2001-01-01 1_000"
    assert read(f"[{words.replace(' ', ', ')}, '5', \"true\"]", format="yaml") == [*words.split(), "5", "true"]
    numbers = read("[0, -1, +2, 0o17, 0x1F, 1e3, .5, 1., -0.25, true, False, null, ~, ]", format="yaml")
    assert repr(numbers) == "[0, -1, 2, 15, 31, 1000.0, 0.5, 1.0, -0.25, True, False, None, None]"


def test_keys_are_text_however_they_look() -> None:
    assert read("{200: a, true: b, no: c, 1.5: d}", format="yaml") == {"200": "a", "true": "b", "no": "c", "1.5": "d"}


def test_an_anchor_stands_for_what_it_names() -> None:
    assert read("a: &x {b: [1]}\nc: *x", format="yaml") == {"a": {"b": [1]}, "c": {"b": [1]}}


@pytest.mark.parametrize(
    ("text", "code", "path"),
    [
        ("a: 1\n---\nb: 2", "not_accepted", ""),
        ("a: !!python/object:os.system 1", "not_accepted", "/a"),
        ("a: !!str 1", "not_accepted", "/a"),
        ("! a", "not_accepted", ""),
        ("? [a]\n: b", "not_accepted", ""),
        ("a: &x b\n*x : c", "not_accepted", ""),
        ("a: *x", "not_accepted", "/a"),
        ("a: &x [1, *x]", "not_accepted", "/a/1"),
        ("a: {b: 1}\nc:\n  <<: {d: 1}", "not_accepted", "/c/<<"),
        ("a: [{b/c: 1, b/c: 2}]", "duplicate_key", "/a/0/b~1c"),
        ("a: [1, .inf]", "number_range", "/a/1"),
        ("a: .nan", "number_range", "/a"),
        ("a: 9007199254740993", "number_range", "/a"),
        ("a: 0xffffffffffffffffffffff", "number_range", "/a"),
        ("a: 1e999", "number_range", "/a"),
        ('a: "x\\0"', "not_accepted", "/a"),
        ("a: \0", "not_accepted", ""),
        ('a: "\\ud800"', "syntax", ""),
        ("a: b: c", "syntax", ""),
        ("a: [1", "syntax", ""),
        ("", "syntax", ""),
        ("# nothing", "syntax", ""),
    ],
)
def test_what_yaml_may_not_hold_is_told_with_its_place(text: str, code: str, path: str) -> None:
    assert problems(text) == [(code, path)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{"a": 1, "a": 2, "b": [{"c": 1, "c": 2, "c": 3}]}', [("duplicate_key", "/a"), ("duplicate_key", "/b/0/c")]),
        ("[NaN, -Infinity, 1e999]", [("number_range", "/0"), ("number_range", "/1"), ("number_range", "/2")]),
        ('{"a": 9007199254740993, "b": -9007199254740993}', [("number_range", "/a"), ("number_range", "/b")]),
        ('["\\ud800", "\\u0000"]', [("not_accepted", "/0"), ("not_accepted", "/1")]),
        ('{"\\u0000": 1}', [("not_accepted", "/?")]),
        ("[1,]", [("syntax", "")]),
        ("[1] 2", [("syntax", "")]),
        ("", [("syntax", "")]),
    ],
)
def test_what_json_may_not_hold_is_told_with_its_place(text: str, found: list[tuple[str, str]]) -> None:
    assert problems(text, "json") == found


@pytest.mark.parametrize("format", ["yaml", "json"])
def test_text_that_is_no_text_is_refused(format: Format) -> None:
    assert problems(b'"\xff"', format) == [("not_accepted", "")]
    assert problems('"\ud83d"', format) == [("not_accepted", "")]


def test_a_byte_order_mark_is_no_part_of_a_document() -> None:
    assert read(b"\xef\xbb\xbf[1]", format="json") == [1]


@pytest.mark.parametrize("format", ["yaml", "json"])
def test_a_document_may_be_as_large_and_deep_as_the_limits_say_and_no_more(format: Format) -> None:
    limits = Limits(document_bytes=100, document_depth=3)
    assert read("[[[1]]]", format=format, limits=limits) == [[[1]]]
    assert read('"' + "a" * 98 + '"', format=format, limits=limits)
    assert problems("[[[[1]]]]", format, limits)[0][0] == "limit"
    assert problems('"' + "a" * 99 + '"', format, limits) == [("limit", "")]


HOSTILE = {
    "open lists": "[" * LARGE,
    "open objects": '{"a": ' * (LARGE // 6),
    "block lists": "- " * (LARGE // 2),
    "complex keys": "? " * (LARGE // 2),
    "anchors": "&a " * (LARGE // 3),
    "tags": "!" * LARGE,
    "open text": '"' + "a" * LARGE,
    "directives": "%A\n" * (LARGE // 3),
    "aliases": "a: " + "*a " * (LARGE // 3),
    "one key for ever": "{" + "a: 1, " * (LARGE // 6 - 1) + "}",
    "many items": "[" + "1," * (LARGE // 2 - 2) + "1]",
    "many digits": "1" * LARGE,
    "laughs": "a: &a [x,x,x,x,x,x,x,x,x]\n"
    + "".join(f"{chr(98 + i)}: &{chr(98 + i)} [{','.join(['*' + chr(97 + i)] * 9)}]\n" for i in range(20)),
    "long laughs": "a: &a " + "x" * 1_000_000 + "\nb: [" + "*a," * 1000 + "]",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("format", ["yaml", "json"])
def test_a_hostile_text_is_refused_soon(text: str, format: Format) -> None:
    begun = time.process_time()
    assert problems(text, format)
    assert time.process_time() - begun < 5


def test_no_more_problems_are_told_than_can_be_read() -> None:
    assert len(problems("[" + ".nan," * 5000 + "]")) == 1001
