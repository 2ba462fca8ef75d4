"""Puts secrets into the config of an activity, in the one process that needs them."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from pydantic import JsonValue

from dag.errors import PerdureError
from dag.invocation import SecretText


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


async def resolved(texts: Sequence[SecretText], tenant: str, secrets: Secrets) -> Mapping[str, str]:
    """Look up every secret that a config asks for, by name."""
    names = dict.fromkeys(part[0] for text in texts for part in text.parts if not isinstance(part, str))
    return {name: await secrets.resolve(tenant, name) for name in names}


def filled(config: JsonValue, texts: Sequence[SecretText], values: Mapping[str, str]) -> JsonValue:
    """Write secrets into a config that nobody else holds."""
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


def _within(place: JsonValue, part: str) -> JsonValue:
    match place:
        case dict():
            return place[part]
        case list():
            return place[int(part)]
        case _:
            raise TypeError("A secret's place is not in its config.")
