"""Where the master key comes from, and what is said when it does not."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from runtime.master_key import MasterKeyMissing, keyring
from runtime.settings import Settings
from store.sealing import MasterKeyInvalid, new_master_key, read_keyring

KEY = new_master_key()


def test_a_key_in_the_environment_goes_before_one_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(new_master_key() + "\n")
    assert keyring(Settings(master_key=SecretStr(KEY), master_key_file=file)) == read_keyring(KEY)


def test_a_file_holds_the_newest_key_first_and_older_ones_below(tmp_path: Path) -> None:
    file = tmp_path / "key"
    older = new_master_key()
    file.write_text(f"{KEY}\n{older}\n")
    both = keyring(Settings(master_key=SecretStr(""), master_key_file=file))
    assert both.open("t", read_keyring(older).seal("t", b"before")) == b"before"
    assert both.seal("t", b"now") == read_keyring(KEY).seal("t", b"now")


def test_without_a_key_it_is_said_where_one_belongs(tmp_path: Path) -> None:
    with pytest.raises(MasterKeyMissing, match="PERDURE_MASTER_KEY"):
        keyring(Settings(master_key=None, master_key_file=None))
    with pytest.raises(MasterKeyMissing, match="nowhere"):
        keyring(Settings(master_key=None, master_key_file=tmp_path / "nowhere"))


@pytest.mark.parametrize("wrong", ["hunter2", KEY[:-8], f"{KEY}\nhunter2"], ids=["words", "short", "second"])
def test_a_key_that_is_none_is_refused_without_being_shown(wrong: str) -> None:
    with pytest.raises(MasterKeyInvalid) as refused:
        keyring(Settings(master_key=SecretStr(wrong)))
    assert "hunter2" not in refused.value.message
    assert KEY not in str(Settings(master_key=SecretStr(KEY)))
