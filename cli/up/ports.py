"""Ports on loopback: which are free, and what to say of those that are not."""

import socket
import sys
from collections.abc import Mapping

from dag.errors import PerdureError

LOOPBACK = "127.0.0.1"


class PortTaken(PerdureError):
    """A port that is needed is taken."""

    code = "up.port_taken"


def check(ports: Mapping[str, tuple[str, int]]) -> None:
    """Refuse ports that are taken, or asked for twice; by option, each has the name of who needs it."""
    seen: dict[int, str] = {}
    problems: list[str] = []
    for option, (who, port) in ports.items():
        if port in seen:
            problems.append(f"{seen[port]} and {option} are the same port {port}.")
        elif taken(port):
            problems.append(f"Port {port} of {who} is taken: choose another with {option}.")
        seen[port] = option
    if problems:
        raise PortTaken("\n".join(problems))


def taken(port: int) -> bool:
    """Whether somebody listens there."""
    with socket.socket() as probe:
        if sys.platform != "win32":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # closed connections of last time are no matter
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return True
    return False


def free_port() -> int:
    """A port that nobody has at the moment."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return probe.getsockname()[1]
