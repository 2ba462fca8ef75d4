"""Puts secrets into the config of an activity, in the one process that needs them."""

import math
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Protocol

from pydantic import JsonValue

from dag.errors import PerdureError
from dag.invocation import SecretText
from runtime.patience import patiently
from store import secrets as stored
from store.database import Database
from store.ids import TenantId
from store.session import session

FRESH = 2.0
"""Seconds that a process takes a secret for unchanged: a fan-out asks for it once."""
_MOST_KEPT = 10_000


class SecretMissing(PerdureError):
    """There is no secret of this name; add it, or mend the name."""

    code = "secret.missing"


class Secrets(Protocol):
    """Where tenants' secrets are kept."""

    async def resolve(self, tenant: str, name: str) -> str:
        """Find a secret, or raise SecretMissing; waits while it cannot be asked."""
        ...


class SecretsInMemory:
    """Secrets given when the process starts, by tenant and name."""

    def __init__(self, known: Mapping[tuple[str, str], str]):
        self._known = dict(known)

    async def resolve(self, tenant: str, name: str) -> str:
        """Find a secret, or raise SecretMissing."""
        if (tenant, name) not in self._known:
            raise SecretMissing(f"There is no secret `{name}`.", details={"name": name})
        return self._known[tenant, name]


class SecretsInStore:
    """The tenants' own secrets; a changed one is seen within seconds."""

    def __init__(self, database: Database):
        self._database = database
        self._kept: OrderedDict[tuple[str, str], tuple[float, str]] = OrderedDict()

    async def resolve(self, tenant: str, name: str) -> str:
        """Find a secret, or raise SecretMissing; while the database does not answer, wait for it."""
        at, value = self._kept.get((tenant, name), (-math.inf, ""))
        if time.monotonic() - at < FRESH:
            return value
        found = await patiently(lambda: self._asked(tenant, name))
        if name not in found:
            self._kept.pop((tenant, name), None)
            raise SecretMissing(f"There is no secret `{name}`.", details={"name": name})
        self._kept[tenant, name] = time.monotonic(), found[name]
        self._kept.move_to_end((tenant, name))
        if len(self._kept) > _MOST_KEPT:
            self._kept.popitem(last=False)
        return found[name]

    async def _asked(self, tenant: str, name: str) -> Mapping[str, str]:
        async with session(self._database, TenantId(tenant)) as opened:
            return await stored.resolve(opened, [name])


async def resolved(texts: Sequence[SecretText], tenant: str, secrets: Secrets) -> Mapping[str, str]:
    """Look up every secret that a config asks for, by name."""
    names = dict.fromkeys(part[0] for text in texts for part in text.parts if not isinstance(part, str))
    return {name: await secrets.resolve(tenant, name) for name in names}


def filled(config: JsonValue, texts: Sequence[SecretText], values: Mapping[str, str]) -> JsonValue:
    """The config with secrets in it. The one that was given is the interpreter's too, and stays as it is."""
    config = _copied(config)
    for text in texts:
        *way, last = [part.replace("~1", "/").replace("~0", "~") for part in text.at.split("/")[1:]]
        place = config
        for part in way:
            place = _within(place, part)
        written = "".join(part if isinstance(part, str) else values[part[0]] for part in text.parts)
        if isinstance(place, dict):
            place[last] = written
        elif isinstance(place, list):
            place[int(last)] = written
    return config


def _copied(value: JsonValue) -> JsonValue:
    match value:
        case dict():
            return {key: _copied(item) for key, item in value.items()}
        case list():
            return [_copied(item) for item in value]
        case _:
            return value


def _within(place: JsonValue, part: str) -> JsonValue:
    match place:
        case dict():
            return place[part]
        case list():
            return place[int(part)]
        case _:
            raise TypeError("A secret's place is not in its config.")
