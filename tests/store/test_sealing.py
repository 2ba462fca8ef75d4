"""What is sealed opens for its tenant and with its key only."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.sealing import MasterKeyInvalid, SealBroken, new_master_key, read_keyring

OLD, NEW = new_master_key(), new_master_key()
RING = read_keyring(OLD)


@given(st.text(), st.binary() | st.binary(min_size=1, max_size=4).map(lambda part: part * 1000))
def test_what_is_sealed_opens_for_the_same_tenant_and_no_other(tenant: str, content: bytes) -> None:
    sealed = RING.seal(tenant, content)
    assert RING.open(tenant, sealed) == content
    assert RING.seal(tenant, content) == sealed
    assert RING.seal(tenant + "x", content) != sealed
    with pytest.raises(SealBroken):
        RING.open(tenant + "x", sealed)


@given(st.binary(min_size=1), st.data())
def test_one_changed_byte_breaks_the_seal(content: bytes, data: st.DataObject) -> None:
    sealed = bytearray(RING.seal("t", content))
    sealed[data.draw(st.integers(0, len(sealed) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(SealBroken):
        RING.open("t", bytes(sealed))


@given(st.binary(max_size=40))
def test_what_was_never_sealed_does_not_open(noise: bytes) -> None:
    with pytest.raises(SealBroken):
        RING.open("t", noise)


def test_a_new_key_seals_and_the_old_one_still_opens() -> None:
    sealed = RING.seal("t", b"before")
    rotated = read_keyring(f"{NEW}\n{OLD}\n")
    assert rotated.open("t", sealed) == b"before"
    with pytest.raises(SealBroken):
        RING.open("t", rotated.seal("t", b"after"))


@pytest.mark.parametrize(
    "text", ["", "no base64!", "c2hvcnQ=", NEW + "\nc2hvcnQ="], ids=["empty", "text", "short", "second"]
)
def test_a_bad_master_key_is_refused(text: str) -> None:
    with pytest.raises(MasterKeyInvalid):
        read_keyring(text)


def test_a_keyring_shows_no_key() -> None:
    assert OLD not in repr(RING)
