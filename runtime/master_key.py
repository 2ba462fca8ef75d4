"""The master key of this process, from the environment or from a file."""

from dag.errors import PerdureError
from runtime.settings import Settings
from store.sealing import Keyring, MasterKeyInvalid, read_keyring


class MasterKeyMissing(PerdureError):
    """There is no master key: set PERDURE_MASTER_KEY or PERDURE_MASTER_KEY_FILE."""

    code = "key.missing"


def keyring(settings: Settings) -> Keyring:
    """Read the master keys that the settings name."""
    if settings.master_key:  # empty, as compose files leave it, is not set
        return read_keyring(settings.master_key.get_secret_value())
    if settings.master_key_file is None:
        raise MasterKeyMissing
    try:
        return read_keyring(settings.master_key_file.read_text(encoding="ascii"))
    except UnicodeDecodeError:
        raise MasterKeyInvalid from None
    except OSError as unreadable:
        raise MasterKeyMissing(f"The master key cannot be read: {unreadable}.") from unreadable
