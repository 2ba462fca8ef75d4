"""What a local stack leaves in its folder for the other commands."""

from pathlib import Path

FOLDER = Path(".perdure")
URL = "url"
ADMIN_KEY = "admin.key"
SETTINGS = "settings.json"


def read(file: Path) -> str | None:
    """The text of a file of the stack, if there is one that may be read."""
    try:
        return file.read_text().strip() or None
    except OSError:
        return None
