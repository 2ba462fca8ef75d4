"""Every page of the reference, by its file."""

from collections.abc import Callable, Mapping
from pathlib import Path

from docs.generator.activity_types import activity_types
from docs.generator.api import api
from docs.generator.cli import cli
from docs.generator.errors import errors
from docs.generator.language import language
from docs.generator.settings import settings

FOLDER = Path(__file__).parents[1] / "reference"

PAGES: Mapping[str, Callable[[], str]] = {
    "activity-types.md": activity_types,
    "api.md": api,
    "cli.md": cli,
    "errors.md": errors,
    "language.md": language,
    "settings.md": settings,
}
"""What writes each; the same code gives the same text."""
