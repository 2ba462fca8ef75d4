"""One log of all processes: on the terminal with a prefix each, and in a file."""

import asyncio
import logging
import os
import re
import sys
from logging.handlers import RotatingFileHandler

from cli.up.folder import Folder

WIDTH = 10
COLOURS = (36, 33, 32, 35, 34, 96, 93, 92, 95, 94)
LONGEST = 64 * 1024
_FILE_BYTES = 10 * 1024 * 1024
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")  # what a process writes may come from anybody


class Log:
    """Where all lines go."""

    def __init__(self, folder: Folder):
        self.path = folder.logs / "perdure.log"
        self._file = RotatingFileHandler(self.path, maxBytes=_FILE_BYTES, backupCount=3, encoding="utf-8")
        self._file.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
        self._coloured = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        self._names: list[str] = []

    def line(self, name: str, text: str) -> None:
        """Write one line of a process."""
        plain = _CONTROL.sub("", text)
        self._file.emit(logging.LogRecord("", logging.INFO, "", 0, f"{name:<{WIDTH}} | {plain}", None, None))
        if name not in self._names:
            self._names.append(name)
        self.tell(f"{self._prefix(name)} {plain}")

    def tell(self, text: str) -> None:
        """Say something on the terminal only."""
        sys.stdout.write(text + "\n")
        sys.stdout.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    async def follow(self, name: str, reader: asyncio.StreamReader) -> None:
        """Write what a process says, until it has no more to say."""
        rest = b""
        while chunk := await reader.read(LONGEST):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                self.line(name, line.decode(errors="replace"))
            if len(rest) >= LONGEST:
                self.line(name, rest.decode(errors="replace"))
                rest = b""
        if rest:
            self.line(name, rest.decode(errors="replace"))

    def _prefix(self, name: str) -> str:
        if not self._coloured:
            return f"{name:<{WIDTH}} |"
        colour = COLOURS[self._names.index(name) % len(COLOURS)]
        return f"\x1b[{colour}m{name:<{WIDTH}} |\x1b[0m"
