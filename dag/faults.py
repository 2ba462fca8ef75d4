"""What goes wrong with an expression: errors with public codes, made from the codes with which JSONata breaks off.

The words are ours: the engine's may quote the data it met. Only `$error` and `$assert` say what the author wrote."""

import re
from collections.abc import Mapping

from pydantic import JsonValue

from dag.engine import LONE_SURROGATE, Fault
from dag.errors import PerdureError

LONGEST_QUOTE = 300
"""Characters of an expression that an error quotes."""


class ExpressionFailed(PerdureError):
    """The expression fails."""

    code = "expression.failed"


class ExpressionSyntax(ExpressionFailed):
    """The expression is not written as JSONata wants it."""


class ExpressionType(PerdureError):
    """A value in the expression is not of the type that is wanted there."""

    code = "expression.type"


class ExpressionDynamic(PerdureError):
    """What the expression reads cannot be known before it runs."""

    code = "expression.dynamic"


class ExpressionBudget(PerdureError):
    """The expression needs more time or memory than it may have."""

    code = "expression.budget"

    def __init__(self, message: str | None = None, /, *, details: JsonValue = None, by_clock: bool = False):
        super().__init__(message, details=details)
        self.by_clock = by_clock
        """Whether this machine's time or memory ended it, so that another run might not see it."""


OUT_OF_MEMORY = "out of memory"
"""Our own code, beside those of JSONata: the process that ran the expression ended."""
TIMED_OUT = "D1012"


def error_of(fault: Fault, source: str, *, before: int = 0) -> PerdureError:
    """What to tell about an expression that did not run to its end, with `before` characters put in front of it."""
    code = fault.code
    if code.startswith("U") and code not in _BUDGET:
        raise fault  # a mistake of ours, such as a scope that is not JSON
    position = None if fault.position is None else min(max(fault.position - before, 0), len(source))
    details = about(source, position, code)
    if code in _SAID:
        return ExpressionFailed(fault.message[:1000], details=details)
    message = sentence(_WORDS.get(code, "it fails"), position, fault.token)
    if is_budget(fault):
        return ExpressionBudget(message, details=details, by_clock=code in _CLOCK)
    if code.startswith("T") or code in _TYPE:
        return ExpressionType(message, details=details)
    return ExpressionFailed(message, details=details)


def is_budget(fault: Fault) -> bool:
    """Whether with more room the expression might have come to an end."""
    return fault.code in _BUDGET or fault.code in _CLOCK


def syntax_error(fault: Fault, source: str) -> PerdureError:
    """What to tell about an expression that does not parse."""
    if not fault.code.startswith("S") and fault.code != LONE_SURROGATE:
        return error_of(fault, source)
    position = fault.position
    around = source[max(0, (position or 0) - 2) : (position or 0) + 1]
    hint = next((f" {hint}" for sign, hint in _FOREIGN.items() if sign in around), "")
    words = "it holds half of a character" if fault.code == LONE_SURROGATE else fault.message[:LONGEST_QUOTE]
    place = "" if position is None else f" (character {position} of it)"
    return ExpressionSyntax(f"The expression does not parse{place}: {words}.{hint}", details=about(source, position))


def about(source: str, position: int | None, reason: str | None = None) -> JsonValue:
    """Which expression, where in it (the characters up to the end of the part at fault), and JSONata's own code."""
    quote = source if len(source) <= LONGEST_QUOTE else source[:LONGEST_QUOTE] + "…"
    return {"expression": _SURROGATE.sub("\ufffd", quote), "position": position, "reason": reason}


def sentence(words: str, position: int | None, token: str | None = None) -> str:
    """The words with the place they speak of."""
    at = f" at `{token[:40]}`" if token else ""
    place = f", character {position} of it" if position is not None else ""
    return f"The expression fails{at}{place}: {words}."


_SURROGATE = re.compile("[\ud800-\udfff]")
_CLOCK = frozenset((TIMED_OUT, OUT_OF_MEMORY))
_BUDGET = frozenset(("D1011", "D2014", "D2015", "D2016", "U1001", "U1006"))
_SAID = frozenset(("D3137", "D3141"))
"""`$error` and `$assert`: the message is the author's."""
_TYPE = frozenset(("D1002", "D3012", "D3050", "D3070"))

_PICTURE = "the picture of a number is not valid"
_DATE_PICTURE = "the picture of a date and time is not valid"

_WORDS: Mapping[str, str] = {
    "T0410": "an argument of the function is not of the type that it takes",
    "T0411": "the value that the function is applied to is not of the type that it takes",
    "T0412": "an argument of the function is not a list of what it takes",
    "D1001": "a number is out of range",
    "D1002": "what stands after the minus sign is not a number",
    "D1004": "the regular expression matches text of no length",
    "D1009": "two keys of an object are the same",
    "T1003": "a key of an object is not text",
    "T1005": "what is called is not a function; functions of the language begin with `$`",
    "T1006": "what is called is not a function",
    "T1007": "what is called with `?` is not a function; functions of the language begin with `$`",
    "T1008": "what is called with `?` is not a function",
    "T1010": "the function that finds matches does not give what it should",
    "D1011": "it is nested, or its functions call each other, too deeply",
    "D1012": "it takes too long",
    "D1013": "a key of an object is kept for the engine",
    "T2001": "the left side of the operator is not a number; text is joined by `&`",
    "T2002": "the right side of the operator is not a number; text is joined by `&`",
    "T2003": "the left side of the range is not a whole number",
    "T2004": "the right side of the range is not a whole number",
    "T2006": "the right side of `~>` is not a function",
    "T2007": "the keys to order by are of different types",
    "T2008": "a key to order by is neither a number nor text",
    "T2009": "the two sides of the comparison are of different types",
    "T2010": "a side of the comparison is neither a number nor text",
    "T2011": "the update of a transform is not an object",
    "T2012": "the deletion of a transform is neither text nor a list of text",
    "T2013": "the transform cannot copy what it is given",
    "D2014": "the range is too long",
    "D2015": "the list is too long",
    "D2016": "the padding is too long",
    "D3001": "a number that is infinite has no text",
    "D3010": "the text to replace is empty",
    "D3011": "the number of replacements is negative",
    "D3012": "a replacement is not text",
    "D3020": "the number of parts to split into is negative",
    "D3030": "the value cannot be made a number",
    "D3040": "the number of matches is negative",
    "D3050": "the function to reduce with takes fewer than two arguments",
    "D3060": "a negative number has no square root",
    "D3061": "the power is not a number that JSON can hold",
    "D3070": "what is sorted is neither all numbers nor all text; give `$sort` a function",
    **dict.fromkeys((f"D30{number}" for number in range(80, 94)), _PICTURE),
    "D3100": "the base of a number is not between 2 and 36",
    "D3110": "the text is not an ISO 8601 time",
    "D3130": "integers are not written or read with this picture",
    "D3131": "the digits of the picture are of different kinds",
    **dict.fromkeys((f"D31{number}" for number in range(32, 37)), _DATE_PICTURE),
    "D3138": "more than one item matches where `$single` wants one",
    "D3139": "no item matches where `$single` wants one",
    "D3140": "the URL is not well formed",
    "D3150": "the time zone is not hours and minutes, such as +0530",
    "U1001": "something in it grows beyond its limit: a text, a list, the result, or how deep it is nested",
    "U1006": "it takes too many steps",
    OUT_OF_MEMORY: "it takes too much memory",
}
"""By JSONata's code."""

_FOREIGN: Mapping[str, str] = {
    "==": "JSONata compares with a single `=`.",
    "&&": "Write `and`.",
    "||": "Write `or`.",
    "!": "Write `$not(…)`.",
    "=>": "Write `function($x){ … }`.",
}
"""What other languages write, and how it is said here."""
