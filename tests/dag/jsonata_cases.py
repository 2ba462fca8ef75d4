"""Makes expressions by chance, of everything that people write, over a small order."""

from random import Random

from pydantic import JsonValue

ORDER: dict[str, JsonValue] = {
    "input": {
        "id": "A-17",
        "paid": False,
        "note": None,
        "rate": 0.19,
        "customer": {"name": "Ada L.", "mail": "ada@example.com", "tags": ["new", "vip"]},
        "items": [
            {"sku": "x1", "qty": 2, "price": 9.5, "tags": ["red", "big"], "made": {"at": "DE"}},
            {"sku": "y2", "qty": 1, "price": 120, "tags": ["red"], "made": {"at": "FR"}},
            {"sku": "z3", "qty": 10, "price": 0.4, "tags": []},
        ],
        "numbers": [3, 1, 2, 2],
        "words": ["pear", "fig", "Äpfel"],
        "empty": [],
        "nested": [[1, 2], [3, [4]]],
    },
    "vars": {"limit": 5, "name": "fig", "flag": True},
    "nodes": {"fetch": {"output": {"status": 200, "body": {"total": 12.5, "lines": [{"n": 1}, {"n": 2}]}}}},
}

NUMBERS = (
    "0",
    "1",
    "2.5",
    "10",
    "-3",
    "input.rate",
    "vars.limit",
    "input.items[0].qty",
    "$count(input.items)",
    "nodes.fetch.output.body.total",
    "$sum(input.numbers)",
    "$max(input.items.price)",
    "input.missing",
)
TEXTS = ('"fig"', "'a b'", '""', "input.id", "vars.name", "input.customer.name", "input.words[1]", "input.note")
LISTS = (
    "input.items",
    "input.numbers",
    "input.words",
    "input.empty",
    "input.items.tags",
    "input.nested",
    "[1, 2, 3]",
    "input.items.sku",
    "input.customer.tags",
    '["fig", 1, null]',
    "nodes.fetch.output.body.lines",
    "[1..4]",
)
OBJECTS = ("input.customer", "input.items[0]", "vars", '{"a": 1, "b": [2]}', "nodes.fetch.output")
OPERATORS = ("+", "-", "*", "/", "%", "&", "=", "!=", "<", ">", "<=", ">=", "and", "or", "in", "??", "?:")
OF_ITEMS = ("sku", "qty * price", "qty", "made.at", "$uppercase(sku)", "tags[0]", '{"k": sku, "n": qty}', "[sku, qty]")
TESTS = ("qty > 1", 'sku = "y2"', "made", '"red" in tags', "0", "-1", "$count(tags) = 2", "price < $$.vars.limit")
FUNCTIONS = """
$string({any})
$length({text})
$substring({text}, 1, 2)
$substringBefore({text}, '-')
$uppercase({text})
$trim({text})
$pad({text}, 6, '#')
$contains({text}, /[a-f]i/)
$split({text}, /[-g]/)
$join($map({list}, $string), '+')
$replace({text}, /i(.)/, '$1!')
$match({text}, /[a-z]/)
$number({any})
$abs({number})
$floor({number})
$round({number}, 1)
$power({number}, 2)
$sqrt({number})
$formatNumber({number}, '#,##0.00')
$formatBase({number}, 2)
$sum({list})
$average(input.numbers)
$boolean({any})
$not({any})
$exists({any})
$count({any})
$append({any}, {any})
$sort({list})
$reverse({list})
$distinct({list})
$zip({list}, {list})
$keys({object})
$lookup({object}, 'name')
$spread({object})
$merge([{object}, {object}])
$type({any})
$base64encode({text})
$encodeUrlComponent({text})
$fromMillis(1700000000000)
$toMillis('2023-11-14T22:13:20Z')
$each({object}, function($v, $k) {{ $k }})
$sift({object}, function($v) {{ $boolean($v) }})
$map({list}, function($v, $i) {{ [$i, $v] }})
$filter({list}, function($v) {{ $v != {any} }})
$reduce({list}, function($a, $v) {{ $a & $v }}, '')
$single({list}, function($v) {{ $v = {number} }})
({list} ~> $count())
($x := {any}; [$x, $x])
({any} ? {any} : {any})
input.items.({of_items})
input.items[{test}]
input.items[{test}].({of_items})
input.items^(>{of_items})
input.items{{sku: qty}}
input.items{{made.at: $sum(price)}}
input.items.tags[{number}]
input.items@$i.tags.{{'s': $i.sku, 't': $}}
input.items#$n.{{'n': $n}}
input.items.made.%.sku
({object}).*
{object} ~> |$|{{'new': {any}}}|
{{'a': {any}, 'b': {any}}}
[{any}, {any}]
""".strip().splitlines()


def expressions(seed: int, count: int) -> list[str]:
    """As many different ones as asked for, the same for the same seed."""
    chance = Random(seed)
    made: dict[str, None] = {}
    while len(made) < count:
        source = _any(chance, 3)
        if not _trips_the_reference(source):
            made[source] = None
    return list(made)


def _trips_the_reference(source: str) -> bool:
    """The reference evaluates what is left of `??` and `?:` twice; its regular expressions go wrong the second time."""
    return ("??" in source or "?:" in source) and "/" in source


def _any(chance: Random, depth: int) -> str:
    if depth == 0:
        return chance.choice(chance.choice((NUMBERS, TEXTS, LISTS, OBJECTS, ("true", "false", "null"))))
    if chance.random() < 0.3:
        return f"({_any(chance, depth - 1)} {chance.choice(OPERATORS)} {_any(chance, depth - 1)})"
    return chance.choice(FUNCTIONS).format_map(_Holes(chance, depth - 1))


class _Holes(dict[str, str]):
    """Fills each hole anew, mostly with what fits."""

    def __init__(self, chance: Random, depth: int):
        super().__init__()
        self._chance = chance
        self._depth = depth

    def __missing__(self, kind: str) -> str:
        fitting = {
            "number": NUMBERS,
            "text": TEXTS,
            "list": LISTS,
            "object": OBJECTS,
            "of_items": OF_ITEMS,
            "test": TESTS,
        }
        if kind in fitting and self._chance.random() < 0.8:
            return self._chance.choice(fitting[kind])
        return _any(self._chance, self._depth)
