"""Keeps plans decoded: one object a process, however many executions run it, and only so much of them all together."""

from collections import OrderedDict
from threading import Lock

from dag.plan import Plan, decode

MOST_BYTES = 16 * 1024 * 1024
"""Of JSON. Decoded it takes up to twenty times as much."""

_lock = Lock()
_kept: OrderedDict[bytes, Plan] = OrderedDict()
_size = 0


def decoded(text: bytes) -> Plan:
    """The plan of a text; of those kept, what was used least recently goes when there are too many."""
    global _size
    with _lock:
        if (plan := _kept.get(text)) is not None:
            _kept.move_to_end(text)
            return plan
    plan = decode(text)
    with _lock:
        if text not in _kept:
            _kept[text] = plan
            _size += len(text)
            while _size > MOST_BYTES:
                _size -= len(_kept.popitem(last=False)[0])
        return _kept.get(text, plan)
