"""Expressions that may run within this process make no value much larger than what they read.

The engine shows the values: an error about one carries it, with every part written out as often as it occurs."""

from random import Random
from typing import Any

import jlens
import pytest

from dag.growth import is_plain, may_grow
from dag.tokens import tokens

DATA: dict[str, Any] = {
    "a": [{"b": n, "c": [{"e": "text"}, {"e": "more", "b": 1}], "i": [0, 0, 1, 1, 2, 2]} for n in range(6)],
    "d": {"f": {"g": {"b": "deep", "c": [1, 2, 3]}}, "b": 5},
    "i": [0, 0, 0, 1, 1, 1, 2, 2],
}
ATOMS = ("a", "d", "a.c", "i", "$$.a", "$$.d", "d.f", "$", "b", "c", "$v", "$w", '"x"', "1", "true")
FORMS = """\
[X,X]
{"p":X,"q":X}
X.{"p":$,"q":$}
X.[$,$]
X.(X)
X.X
X[X]
X[[0,0]]
X[i]
$map(X, function($v){X})
$map(X, function($v){[$v,$v]})
$append(X,X)
$zip(X,X)
($v:=X; X)
($v:=X; $w:=X; X)
$reduce(X, function($v,$w){[$v,$w]})
$reduce(X, function($v,$w){X}, X)
$reverse([X,X])
$merge([X,X])
(X ? X : X)
(X ?? X)
X.$$.a
X.*
$sort(X, function($v,$w){X})
$filter(X, function($v){X})
$spread(X)
X{"k": $}
X{b: X}
X^(X)
$lookup(X,"c")
(X ~> $reverse)
(X ~> $append(X))
(X ~> $map(function($v){X}))
$each(X, function($v){X})
$sift(X, function($v){X})
(X & X)
(X in [X,X])
$string(X)
(X)[0]
-X
X.(b ? $ : X)
$max([X,X])
"a".X
$keys(X)
X.%
X.**
X@$v.X
""".splitlines()

USUAL = """\
input.a > 1
nodes.x.output.id = input.id and input.total <= vars.limit
input.items[sku = $$.input.sku].price
$sum(input.items.(qty * price))
{"id": item.id, "total": item.qty * item.price, "lines": item.lines.{"sku": sku, "order": $$.input.id}}
$filter(input.items, function($i) { $i.a = 1 and $i.b in ["x", "y"] })
$map(input.items, function($v, $i) { {"n": $i, "v": $v} })
$reduce(input.items, function($sum, $i) { $sum + $i.qty }, 0)
input.items^(>price, <name).sku
input.items{category: $count($)}
$join([input.first, input.last], " ")
$merge([input, {"status": "ok"}])
$not($exists(input.x)) or $count(input.list) = 0
input.kind = "a" ? {"a": input.y} : [1, 2, 3]
($x := nodes.fetch.output.body; {"id": $x.id, "text": $x.n & "!"})
$replace(input.s, /[^a-z"]+/i, "-") & `a name`
input.items ~> $map(function($v) { $v.price }) ~> $sum
-input.a + 3 * (input.b - 1) % 2
""".splitlines()


@pytest.mark.parametrize("source", [*USUAL, f"$sum([{', '.join(f'nodes.n{n}.output.number' for n in range(100))}])"])
def test_what_people_write_may_run_within_this_process(source: str) -> None:
    jlens.Expression(source)
    assert not may_grow(tokens(source))


@pytest.mark.parametrize(
    "source",
    [
        "[1..9]",
        f"$string([{', '.join(['a.b'] * 12)}])",
        f"$string([{', '.join(f'(a.b{n})' for n in range(12))}])",
        f"$string([{', '.join('.'.join('abcdefghijkl'[: n + 1]) for n in range(12))}])",
        "$distinct(a)",
        "a ~> $distinct",
        "($f := function($n) { $f($n) }; $f(1))",
        "($count := $zip; $reduce(l, function($a, $i) { $count($a, $a) }, [1]))",
        "$filter(x, function($count) { $count(1) })",
        "(($zip := 1); $count := $zip; $reduce(l, function($a, $i) { $count($a, $a) }, [1]))",
        "$map(l, function($v) { l }) = 1",
        "$map(l, function($v) { $ }) = 1",
        "$map(l, function($v) { $map(m, function($w) { $v }) }) = 1",
        "$map(l, function($v, $i, $all) { $all }) = 1",
        'a" & $distinct(b) & c"',
        'a /*"*/ & $distinct(b) /*"*/',
        "a / $distinct(b) / 2",
        "(" * 60 + "1" + ")" * 60,
        "a ? b : " * 60 + "c",
    ],
)
def test_what_is_not_understood_counts_as_growing(source: str) -> None:
    assert may_grow(tokens(source))


def test_what_is_plain_is_understood() -> None:
    chance = Random(5)
    words = [
        "a",
        "b.c",
        "`a b`",
        '"t"',
        "'t'",
        "1",
        "true",
        "*",
        "a.*",
        ".",
        "/r/",
        '"',
        "[0]",
        "$$.a",
        "(a)",
        "**",
        "..",
    ]
    signs = [" + ", "-", " * ", "/", "&", "=", "!=", "<", ">=", " and ", " in ", ", ", "?", "%", "~>"]
    found = 0
    for _ in range(20_000):
        source = "".join(chance.choice(words) + chance.choice(signs) for _ in range(chance.randint(0, 3)))
        source += chance.choice(words)
        try:
            jlens.Expression(source)
        except jlens.JlensError:
            continue
        if is_plain(source):
            found += 1
            assert not may_grow(tokens(source)), source
    assert found > 1_000


def test_no_value_is_much_larger_than_what_is_read() -> None:
    chance = Random(17)
    sizes = [size for _ in range(6_000) if (size := value_size(made(chance, chance.randint(1, 4)), grows=False))]
    assert len(sizes) > 400
    assert max(sizes) <= 3 * size_of(DATA)


def test_values_of_those_that_grow_are_larger() -> None:
    """Were it otherwise, the test above would prove nothing."""
    chance = Random(17)
    sizes = [size for _ in range(6_000) if (size := value_size(made(chance, chance.randint(1, 3)), grows=True))]
    assert sum(size > 3 * size_of(DATA) for size in sizes) > 50


def value_size(source: str, *, grows: bool) -> int | None:
    """The size of a value that is no number where one is wanted."""
    source = f"({source}) + 1"
    try:
        expression = jlens.Expression(source)
        if expression.reads()["bindings"] or may_grow(tokens(source)) != grows:
            return None
        expression.evaluate(DATA, max_steps=5_000, timeout=1, max_array_length=1_000, max_string_length=1_000)
    except jlens.JlensError as error:
        return size_of(error.value)
    return None


def size_of(value: Any) -> int:
    match value:
        case dict():
            return 1 + sum(map(size_of, value.values()))
        case list():
            return 1 + sum(map(size_of, value))
        case _:
            return 1


def made(chance: Random, depth: int) -> str:
    if depth == 0 or chance.random() < 0.1:
        return chance.choice(ATOMS)
    return "".join(made(chance, depth - 1) if letter == "X" else letter for letter in chance.choice(FORMS))
