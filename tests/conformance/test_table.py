"""The table of the language names tests that exist, and leaves nothing of the language's model out."""

import ast
import re
import types
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from dag.controls.branching import Switch
from dag.controls.words import WORDS
from dag.definition import Concurrency, OnFailure, Settings, parse
from dag.node import ERROR, Activity, Cache, Compensate, Join, NodeFields, Retry
from docs.generator.errors import FAMILIES
from tests.dag.everything import EVERYTHING
from tests.reference import (
    examples,
    examples_of_branches,
    examples_of_compensations,
    examples_of_graphs,
    examples_of_loops,
    examples_of_tries,
)

ROOT = Path(__file__).parents[2]
TABLE = (Path(__file__).parent / "language.md").read_text()
EXAMPLES = {
    "examples": examples.EXAMPLES,
    "examples_of_branches": examples_of_branches.BRANCHES,
    "examples_of_compensations": examples_of_compensations.COMPENSATIONS,
    "examples_of_graphs": examples_of_graphs.GRAPHS,
    "examples_of_loops": examples_of_loops.LOOPS,
    "examples_of_tries": examples_of_tries.TRIES,
}
SENTENCES = {f"tests/reference/{name}.py": {one.sentence for one in some} for name, some in EXAMPLES.items()}

NOT_YET = {
    "inbox and notifications",
    "tenant's plan limits",
}
"""What the language has and nothing runs yet. Nothing else may stand without a test."""

SECTIONS = (
    "Graphs",
    "Settings",
    "Nodes",
    "Edges and ports",
    "Joins",
    "Failure and cancellation",
    "Compensations",
    "Errors",
    "Control words",
    "Output of a graph",
    "Data nodes",
    "Variables",
    "Loops",
    "`parallel`",
    "`break`, `continue`, `stop`",
    "`catch`",
    "People",
    "Events",
    "Sub-workflows",
    "Expressions",
    "Checks",
    "Limits",
    "Names of states",
)


def rows() -> Iterator[tuple[str, str, str]]:
    """Section, sentence and what shows it."""
    section = ""
    for line in TABLE.splitlines():
        if line.startswith("## "):
            section = line[3:]
        elif line.startswith("| ") and line != "| Sentence | Shown by |":
            sentence, shown = line.strip("| ").split(" | ")
            yield section, sentence, shown


ROWS = list(rows())


def test_every_section_of_the_language_has_rows() -> None:
    assert {section for section, _, _ in ROWS} == set(SECTIONS)
    assert tuple(re.findall(r"^## (.+)$", TABLE, re.MULTILINE)) == SECTIONS


def test_no_sentence_stands_twice() -> None:
    places = [(section, sentence) for section, sentence, _ in ROWS]
    assert not {place for place in places if places.count(place) > 1}


def test_every_row_is_shown_by_tests_that_exist_or_says_what_is_not_built_yet() -> None:
    wrong = [(sentence, shown) for _, sentence, shown in ROWS if not holds(shown)]
    assert not wrong


def test_what_is_not_built_yet_is_a_short_list_and_all_of_it_stands_in_the_table() -> None:
    reasons = [shown.removeprefix("not yet: ") for _, _, shown in ROWS if shown.startswith("not yet")]
    assert set(reasons) == NOT_YET


def test_a_reference_to_nothing_is_found_out() -> None:
    path = "tests/conformance/test_table.py"
    assert exists(f"{path}::test_a_reference_to_nothing_is_found_out")
    assert not exists(f"{path}::test_what_is_not_there")
    assert not exists(f"{path}::exists")
    assert not exists("tests/conformance/test_nothing.py::test_nothing")
    assert exists('tests/reference/examples_of_loops.py: "A while without a turn gives null"')
    assert not exists('tests/reference/examples_of_tries.py: "A while without a turn gives null"')
    assert not exists("tests/dag/bad/nothing.yaml")
    assert not exists("tests/dag/everything.yaml")
    assert not holds("")
    assert not holds("not yet: no reason")
    assert not holds("`tests/dag/bad/a_cycle_of_two.yaml`, and more")


def test_every_control_word_has_rows_with_each_of_its_fields() -> None:
    silent = {
        word: missing
        for word, model in WORDS.items()
        if (missing := fields(model.model_fields["config"].annotation) - named(word))
    }
    assert not silent
    assert [word for word in WORDS if not rows_of(word)] == []


def test_every_control_word_has_rows_with_each_of_its_ports() -> None:
    ports = {"fail": {"out"}}
    definition = parse(EVERYTHING).definition
    assert definition is not None
    for scope in definition.graphs():
        for node in scope.graph.nodes.values():
            cases = {*node.config.cases} if isinstance(node, Switch) else set[str]()
            ports.setdefault(node.type, set()).update({*node.ports} - {ERROR} - cases)
    assert ports.keys() >= WORDS.keys()
    assert not {word: missing for word in WORDS if (missing := ports[word] - named(word))}
    assert any(f"`{ERROR}`" in sentence for section, sentence, _ in ROWS if section == "Edges and ports")


def test_every_join_has_a_row() -> None:
    words = set(literals(NodeFields.model_fields["join"].annotation))
    rest = {f"rest: {how}" for how in literals(Join.model_fields["rest"].annotation)}
    text = " ".join(sentence for section, sentence, _ in ROWS if section == "Joins")
    assert words == {"all", "any"}
    assert Join.model_fields.keys() == {"count", "rest"}
    assert not [name for name in {*words, "{count: n}", *rest} if f"`{name}`" not in text]


def test_every_field_of_nodes_and_settings_has_a_row() -> None:
    node = set(Activity.model_fields) | set(Retry.model_fields) | set(Cache.model_fields) | set(Compensate.model_fields)
    assert node - words_of("Nodes") == set()
    settings = set(Settings.model_fields) | set(Concurrency.model_fields) | set(OnFailure.model_fields)
    assert settings - words_of("Settings") == set()


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_of_errors_has_a_row(family: str) -> None:
    told = [sentence for section, sentence, _ in ROWS if section == "Errors"]
    assert [sentence for sentence in told if re.match(rf"`{re.escape(family)}[`.]", sentence)]


def holds(shown: str) -> bool:
    """Whether a cell names what exists, and nothing else, or a reason that is known."""
    if shown.startswith("not yet: "):
        return shown.removeprefix("not yet: ") in NOT_YET
    references = shown.split("<br>")
    return all(one.startswith("`") and one.endswith("`") and exists(one[1:-1]) for one in references)


def exists(reference: str) -> bool:
    if reference.startswith(("tests/dag/bad/", "tests/dag/good/")):
        return reference.endswith(".yaml") and (ROOT / reference).exists()
    if ': "' in reference:
        path, _, sentence = reference.removesuffix('"').partition(': "')
        return sentence in SENTENCES.get(path, ())
    path, _, name = reference.partition("::")
    return Path(path).name.startswith("test_") and name in held_by(path)


@cache
def held_by(path: str) -> frozenset[str]:
    """The names of a file's tests, those in classes included."""
    if not (ROOT / path).exists():
        return frozenset()
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    found = [node for node in ast.walk(ast.parse((ROOT / path).read_text())) if isinstance(node, functions)]
    return frozenset(function.name for function in found if function.name.startswith("test_"))


def rows_of(word: str) -> list[str]:
    return [
        sentence for section, sentence, _ in ROWS if section == "Control words" and sentence.startswith(f"`{word}`")
    ]


def named(word: str) -> set[str]:
    """Every name that stands in code in the rows of a control word."""
    return {name for sentence in rows_of(word) for code in codes(sentence) for name in names(code)}


def words_of(section: str) -> set[str]:
    return {name for at, sentence, _ in ROWS if at == section for code in codes(sentence) for name in names(code)}


def codes(sentence: str) -> list[str]:
    return re.findall(r"`([^`]+)`", sentence)


def names(code: str) -> list[str]:
    return re.findall(r"[a-z_]+", code)


def fields(annotation: Any) -> set[str]:
    """The fields of a config as they are written, those of its parts included, but for graphs."""
    found: set[str] = set()
    waiting = [annotation]
    while waiting:
        one = waiting.pop()
        if isinstance(one, type) and issubclass(one, BaseModel):
            if one.__name__ == "Graph":
                continue
            for name, field in one.model_fields.items():
                found.add(field.alias or name)
                waiting.append(field.annotation)
        elif not isinstance(one, types.FunctionType):
            waiting.extend(get_args(one))
    return found


def literals(annotation: Any) -> Iterator[str]:
    for one in get_args(annotation):
        if isinstance(one, str):
            yield one
        else:
            yield from literals(one)
