"""Each import contract, broken once: a rule that nothing can break is no rule."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
PACKAGES = set(SETTINGS["root_packages"])

MAY_USE = {
    "temporal": {"interpreter", "worker", "runtime", "api"},
    "sql": {"store"},
    "wire": {"activities", "api", "cli", "worker"},
    "jsonata": set[str](),
    "activity-files": {"dag", "interpreter", "store", "runtime", "api", "worker", "cli"},
}
BREAKS = [
    ("layers", "dag", "import interpreter"),
    ("layers", "dag", "import activities"),
    ("layers", "dag", "import runtime"),
    ("layers", "interpreter", "import activities"),
    ("layers", "interpreter", "import runtime"),
    ("layers", "activities", "import interpreter"),
    ("layers", "activities", "import worker"),
    ("layers", "runtime", "import worker"),
    ("layers", "store", "import interpreter"),
    ("layers", "store", "import runtime"),
    ("layers", "api", "import worker"),
    ("layers", "cli", "import api"),
    ("temporal", "dag", "import temporalio"),
    ("temporal", "activities", "from temporalio import activity"),
    ("temporal", "store", "import temporalio"),
    ("temporal", "cli", "import temporalio"),
    ("sql", "worker", "import sqlalchemy"),
    ("sql", "api", "import sqlmodel"),
    ("sql", "runtime", "from psycopg import connect"),
    ("wire", "interpreter", "import httpx2"),
    ("wire", "store", "import fastapi"),
    ("wire", "runtime", "from aiokafka import AIOKafkaProducer"),
    ("jsonata", "dag", "import jlens"),
    ("jsonata", "interpreter", "from jlens import compile"),
    ("activity-files", "activities", "from fastapi import Depends"),
]


@pytest.mark.parametrize("contract", sorted({contract for contract, _, _ in BREAKS}))
def test_every_forbidden_import_breaks_its_contract(contract: str, tmp_path: Path) -> None:
    copy_packages(tmp_path)
    planted = {f"planted_{n}": (package, line) for n, (of, package, line) in enumerate(BREAKS) if of == contract}
    for module, (package, line) in planted.items():
        (tmp_path / package / f"{module}.py").write_text(f"{line}\n")
    code, said = lint(tmp_path, contract)
    assert code == 1, said
    assert f"{name_of(contract)} BROKEN" in said
    for module, (package, line) in planted.items():
        assert f"{package}.{module} -> {line.split()[1]}" in said


def test_an_activity_file_does_not_reach_temporal_through_another_package(tmp_path: Path) -> None:
    copy_packages(tmp_path)
    (tmp_path / "dag" / "between.py").write_text("import temporalio\n")
    (tmp_path / "activities" / "planted.py").write_text("import dag.between\n")
    code, said = lint(tmp_path, "activity-files")
    assert code == 1, said
    assert "activities.planted -> dag.between" in said


def test_every_contract_is_broken_here_once() -> None:
    assert {contract for contract, _, _ in BREAKS} == {contract["id"] for contract in SETTINGS["contracts"]}


def test_every_package_is_bound_by_every_contract() -> None:
    for contract in SETTINGS["contracts"]:
        if contract["type"] == "forbidden":
            assert set(contract["source_modules"]) == PACKAGES - MAY_USE[contract["id"]], contract["name"]
        else:
            layers = {name.strip(" ()") for layer in contract["layers"] for name in layer.split("|")}
            assert layers >= PACKAGES


def copy_packages(to: Path) -> None:
    for package in PACKAGES:
        shutil.copytree(ROOT / package, to / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", to)


def lint(folder: Path, contract: str) -> tuple[int, str]:
    command = [Path(sys.executable).with_name("lint-imports"), "--no-cache", "--no-logo", "--contract", contract]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def name_of(contract: str) -> str:
    return next(entry["name"] for entry in SETTINGS["contracts"] if entry["id"] == contract)
