"""Files with definitions: their text, and where in it a problem is."""

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import typer

from cli.outcomes import Misused
from cli.plain import clean
from cli.replies import Flaw

STDIN = "-"


@dataclass(frozen=True)
class File:
    """A definition as somebody wrote it."""

    name: str
    text: bytes

    @property
    def media_type(self) -> str:
        """JSON only when the name says so; YAML reads both."""
        return "application/json" if self.name.endswith(".json") else "application/yaml"


def read(name: str) -> File:
    """Read a file, or standard input for `-`."""
    if name == STDIN:
        return File("standard input", sys.stdin.buffer.read())
    try:
        return File(name, Path(name).read_bytes())
    except OSError as wrong:
        raise Misused(f"{name} cannot be read: {wrong.strerror}.") from wrong


def show_flaws(file: File, flaws: Iterable[Flaw]) -> None:
    """Tell every problem with the line that it is in, as compilers do."""
    from cli.lines import line_of, outline

    known = outline(file.text)
    for flaw in flaws:
        line = line_of(known, flaw.path)
        place = f"{file.name}:{line}" if line else file.name
        typer.echo(clean(f"{place}: {flaw.severity}: {flaw.message} [{flaw.code}] {flaw.path}".rstrip()), err=True)
        if flaw.hint:
            typer.echo(clean(f"    {flaw.hint}"), err=True)
