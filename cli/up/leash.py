"""Runs a program that ends when its parent does, however that ends: `leash.py PARENT SIGNAL PROGRAM ARGUMENT…`.

It is a program of its own, since nothing may run between fork and exec of a process that has threads."""

import ctypes
import os
import sys

_PR_SET_PDEATHSIG = 1


def main(parent: int, signal: int, line: list[str]) -> None:
    """Ask the system for the signal, then become the program. Systems other than Linux have no such thing."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal)
    if os.getppid() != parent:
        sys.exit("The parent has ended before its child began.")
    os.execvp(line[0], line)  # noqa: S606 no shell is wanted


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
