"""What is inside a path, as an index finds it: paths are compared by their bytes."""

from collections.abc import Mapping

from sqlalchemy import ColumnElement, and_, or_
from sqlalchemy.orm import Mapped


def bounds(under: str) -> Mapping[str, str]:
    """The values of `path >= :dot and path < :after_dot or path >= :bracket and path < :after_bracket`."""
    return {"dot": f"{under}.", "after_dot": f"{under}/", "bracket": f"{under}[", "after_bracket": f"{under}\\"}


def inside(path: Mapped[str], under: str) -> ColumnElement[bool]:
    """Whether a node run is inside another one, or inside a turn or a part of one."""
    ends = bounds(under)
    return or_(
        and_(path >= ends["dot"], path < ends["after_dot"]),
        and_(path >= ends["bracket"], path < ends["after_bracket"]),
    )
