"""What the language has, but does not run yet: refused when publishing, fine in a draft."""

from collections.abc import Iterator

from dag.definition import Definition
from dag.problems import Problem, pointer

SETTINGS = frozenset({"concurrency"})
"""All that is left to build."""


def check_support(definition: Definition) -> Iterator[Problem]:
    """Find what cannot run yet."""
    for setting in sorted(definition.settings.model_fields_set & SETTINGS):
        message = f"`{setting}` is part of the language, but does not run yet."
        hint = "A draft may hold it; publishing has to wait."
        yield Problem("not_supported", pointer(("settings", setting)), message, hint)
