"""A command on a terminal of its own, as a person sees it."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.cli.local_stack import PATIENCE, PERDURE, environment

CTRL_C = b"\x03"
_OWN = "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
_STYLE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Terminal:
    """What has been written so far, and a keyboard."""

    def __init__(self, side: int, process: subprocess.Popen[bytes]):
        self._side = side
        self._process = process
        self.raw = ""

    @property
    def text(self) -> str:
        """What can be read, without colours and moves of the cursor."""
        return _STYLE.sub("", self.raw)

    def press(self, keys: bytes) -> None:
        """Press keys."""
        os.write(self._side, keys)

    def until(self, good: Callable[[], bool]) -> None:
        """Read on until something has been written."""
        limit = time.monotonic() + PATIENCE
        while not good():
            assert time.monotonic() < limit, self.text
            assert self._read(), self.text

    def end(self) -> int:
        """Read to the end, and give the exit status."""
        while self._read():
            pass
        return self._process.wait(PATIENCE)

    def _read(self) -> bool:
        try:
            chunk = os.read(self._side, 65_536)
        except OSError:  # nobody has the other side any more
            return False
        self.raw += chunk.decode(errors="replace")
        return bool(chunk)


@contextmanager
def on_terminal(arguments: Sequence[str], data: Path, *, rows: int = 24) -> Generator[Terminal]:
    """Run `perdure` on a terminal of 100 columns for as long as this lasts."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, 100, 0, 0))
    env = {**environment(), "PERDURE_DATA": str(data), "TERM": "xterm-256color"}
    line = [sys.executable, "-c", _OWN, PERDURE, *arguments]
    process = subprocess.Popen(line, stdin=theirs, stdout=theirs, stderr=theirs, env=env, start_new_session=True)
    os.close(theirs)
    try:
        yield Terminal(ours, process)
    finally:
        process.kill()
        process.wait()
        os.close(ours)
