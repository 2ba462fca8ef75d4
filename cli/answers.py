"""What the API answered: as JSON for machines, as text for people."""

from collections.abc import Callable, Iterable
from typing import Annotated

import typer

from cli.plain import clean, clean_json
from cli.server import Read, Reply

AsJson = Annotated[bool, typer.Option("--json", help="Write what the API says, as JSON.")]


def tell(reply: Reply, kind: type[Read], text: Callable[[Read], Iterable[str] | None], *, as_json: bool) -> None:
    """Write it. What makes text of it gives lines, or has written them itself."""
    if as_json:
        typer.echo(clean_json(reply.text))
        return
    for line in text(reply.read(kind)) or ():
        typer.echo(clean(line))
