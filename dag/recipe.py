"""What an output that may be used again was made of."""

import re

import orjson
from pydantic import JsonValue

from dag.invocation import Invocation

_POSITION = re.compile(r"\[\d+\]")


def recipe(type: str, config: JsonValue, invocation: Invocation) -> bytes:
    """All that makes two outputs the same, as canonical JSON. Secrets stand in it by their names: a secret that is
    replaced by another value changes nothing, and outputs made with the old one are used until their time is over."""
    secrets = sorted(invocation.secrets, key=lambda text: text.at)
    key = None if invocation.cache is None else invocation.cache.key
    # JSON on one line holds no line break, so that none of these can run into the next.
    return b"\n".join(orjson.dumps(part, option=orjson.OPT_SORT_KEYS) for part in (type, config, secrets, key))


def node_of(path: str) -> str:
    """The node that a node run is of: its path without the numbers of turns and `catch` entries."""
    return _POSITION.sub("", path)
