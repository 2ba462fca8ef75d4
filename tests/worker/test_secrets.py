"""How secrets come into a config."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from dag.invocation import SecretText
from worker.secrets import SecretMissing, SecretsInMemory, filled, resolved

SECRETS = SecretsInMemory({("acme", "key"): "k1", ("acme", "user"): "u1", ("other", "key"): "k2"})


async def test_a_tenant_gets_its_own_secrets_and_no_others() -> None:
    assert await SECRETS.resolve("acme", "key") == "k1"
    assert await SECRETS.resolve("other", "key") == "k2"
    with pytest.raises(SecretMissing) as missing:
        await SECRETS.resolve("other", "user")
    assert (missing.value.code, missing.value.details) == ("secret.missing", {"name": "user"})
    assert not missing.value.retryable


async def test_each_secret_is_looked_up_once_however_often_it_is_written() -> None:
    asked: list[str] = []

    class Asked:
        async def resolve(self, tenant: str, name: str) -> str:
            asked.append(name)
            return await SECRETS.resolve(tenant, name)

    texts = [SecretText("/a", (("user",), ":", ("key",))), SecretText("/b", (("key",),))]
    assert await resolved(texts, "acme", Asked()) == {"user": "u1", "key": "k1"}
    assert asked == ["user", "key"]


def test_a_secret_is_written_where_the_pointer_says_and_nowhere_else() -> None:
    config: JsonValue = {"headers": [{"name": "***"}, {"a/b~c": "***"}], "note": "***"}
    texts = [SecretText("/headers/1/a~1b~0c", ("Bearer ", ("key",), "!"))]
    assert filled(config, texts, {"key": "k1"}) == {
        "headers": [{"name": "***"}, {"a/b~c": "Bearer k1!"}],
        "note": "***",
    }
    assert "k1" not in repr(config), "what was given is the interpreter's too, and goes on into the history"


@given(st.text(), st.text())
def test_what_looks_like_a_reference_within_a_secret_is_left_alone(secret: str, text: str) -> None:
    assert filled(["***"], [SecretText("/0", (text, ("key",)))], {"key": secret, "other": "no"}) == [text + secret]
