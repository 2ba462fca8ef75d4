"""What expressions read, gathered for the plan."""

from collections.abc import Iterable, Iterator

from dag.errors import PerdureError
from dag.expressions import References
from dag.plan import Sees
from dag.sites import Site
from dag.texts import Written

ROOTS = ("input", "vars", "env", "execution")
"""What the interpreter lays before an expression whole; other names are bound by the types that compute with them."""
FIELDS = ("output", "status", "port", "error")
ALL_NAMES = "*"


def references(written: Iterable[Written]) -> Iterator[References]:
    """What each expression reads, all of which have been checked."""
    for one in written:
        for read in one.references:
            if isinstance(read, PerdureError):
                raise read
            yield read


def sees(read: Iterable[References], site: Site) -> Sees:
    """What several expressions in a graph see together; nodes by their place in the written order."""
    roots: set[str] = set()
    nodes: dict[tuple[int, int], set[str]] = {}
    for one in read:
        roots.update(one.roots)
        for id, fields in one.nodes.items():
            nodes.setdefault(_place(id, site), set()).update(FIELDS if fields is None else fields)
    found = [(*node, tuple(field for field in FIELDS if field in nodes[node])) for node in sorted(nodes)]
    return Sees(
        roots=tuple(root for root in (*ROOTS, *sorted(site.names)) if root in roots),
        nodes=tuple((node, fields) for level, node, fields in found if level == 0),
        around=tuple(one for one in found if one[0] > 0),
    )


def _place(id: str, site: Site) -> tuple[int, int]:
    """How many levels up a node is, and where there. No graph has an id of one around it."""
    return next(
        (level, around.wired.place[id]) for level, around in enumerate(site.outward()) if id in around.wired.place
    )


def env_names(read: Iterable[References]) -> tuple[str, ...]:
    """The names of the tenant's settings that are read; `*` where they are read as a whole."""
    names: set[str] = set()
    for one in read:
        fields = one.roots.get("env", frozenset())
        names.update({ALL_NAMES} if fields is None else fields)
    return (ALL_NAMES,) if ALL_NAMES in names else tuple(sorted(names))
