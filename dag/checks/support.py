"""What the language has, but does not run yet: refused when publishing, fine in a draft."""

from collections.abc import Iterator, Sequence

from dag.definition import Definition
from dag.problems import Problem, pointer
from dag.sites import Site

WORDS = frozenset(
    {
        "workflow",
    }
)
SETTINGS = frozenset({"on_failure", "concurrency"})
"""These are all that is left to build."""


def check_support(definition: Definition, sites: Sequence[Site]) -> Iterator[Problem]:
    """Find what cannot run yet."""
    for setting in sorted(definition.settings.model_fields_set & SETTINGS):
        yield _not_yet(setting, ("settings", setting))
    for site in sites:
        for id, node in site.nodes():
            if node.type in WORDS:
                yield _not_yet(node.type, site.at(id, "type"))


def _not_yet(name: str, path: tuple[str | int, ...]) -> Problem:
    message = f"`{name}` is part of the language, but does not run yet."
    return Problem("not_supported", pointer(path), message, "A draft may hold it; publishing has to wait.")
