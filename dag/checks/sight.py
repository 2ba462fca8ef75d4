"""What an expression may read where it stands: names, nodes upstream and around, variables."""

from dataclasses import dataclass

from dag.checks.names import AT_START, EVERYWHERE, OF_ATTEMPTS, Names, bound
from dag.definition import Node
from dag.places import Pattern
from dag.sites import Site


@dataclass(frozen=True)
class Sight:
    """`site` is the nearest graph of which anything is seen: its variables, and the nodes with a bit in `upstream`."""

    names: Names
    site: Site | None
    upstream: int
    has_secrets: bool = False

    def owner(self, id: str) -> Site | None:
        """The nearest graph that has a node, seen from here or not."""
        return next((site for site in self.site.outward() if id in site.wired.place), None) if self.site else None

    def sees(self, id: str, owner: Site) -> bool:
        """Whether a node of a graph has settled before what stands here is computed, or may have: edges that cannot be
        read may lead to it."""
        inner, upstream = self.site, self.upstream
        while inner is not None and inner is not owner:
            upstream = above_holder(inner)
            inner = inner.parent
        return bool(upstream >> owner.wired.place[id] & 1 or upstream & owner.unread)


def above_holder(site: Site) -> int:
    """The nodes upstream of the one that holds a graph."""
    return 0 if site.parent is None else site.parent.wired.above[site.parent.wired.place[site.holder]]


def of_node(site: Site, id: str, node: Node, pattern: Pattern, *, has_secrets: bool) -> Sight:
    """What a text of a node may read."""
    if pattern[-2:] == ("retry", "when"):
        return Sight(OF_ATTEMPTS, None, 0)
    names = {**EVERYWHERE, **site.names, **bound(node, pattern)}
    return Sight(names, site, site.wired.above[site.wired.place[id]], has_secrets)


def of_output(site: Site) -> Sight:
    """What a graph's output may read: all of the graph."""
    return Sight({**EVERYWHERE, **site.names}, site, (1 << len(site.wired.ids)) - 1)


def of_vars(site: Site) -> Sight:
    """What the first values of a graph's variables may read: what is around it."""
    if site.parent is None:
        return Sight(AT_START, None, 0)
    return Sight({**EVERYWHERE, **site.names}, site.parent, above_holder(site))


def of_settings() -> Sight:
    """What the settings may read, which hold for the whole execution."""
    return Sight(EVERYWHERE, None, 0)
