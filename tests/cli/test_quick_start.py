"""What README and quick start tell their readers to type, typed as written, and what they show, compared."""

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import httpx2
import pytest

from tests.cli.local_stack import environment, until
from tests.temporal import free_port

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
QUICK_START = ROOT / "docs" / "quick-start.md"
BLOCK = re.compile(r"```(sh|text)\n(.*?)```", re.DOTALL)
SHOWN_URL = re.compile(r"<(http://[^>]+)>")
FAILING = {"name: mistaken": 1, '"none"': 6, '[{"quantity": 2}]': 1, "perdure cancel": 3}
"""The exit status of what is meant to fail, by what it contains."""


@dataclass
class Ports:
    """Where this stack listens, instead of where it would by itself."""

    api: int
    temporal: int
    ui: int

    def put_in(self, text: str) -> str:
        """The text with these."""
        return text.replace("127.0.0.1:8080", f"127.0.0.1:{self.api}").replace("127.0.0.1:8233", f"127.0.0.1:{self.ui}")


class FirstTerminal:
    """Where `make up` runs."""

    def __init__(self, tree: Path, ports: Ports):
        self._said = tree / "said.log"
        options = f"--port {ports.api} --temporal-port {ports.temporal} --temporal-ui-port {ports.ui}"
        self._env = {**environment(), "ARGS": options, "PERDURE_DATA": str(tree / ".perdure")}
        self._make: subprocess.Popen[bytes] | None = None

    def make_up(self) -> str:
        """Run it, once more perhaps, and give what it says until it is ready."""
        self.interrupt()
        with self._said.open("wb") as said:
            line = ["make", "--no-print-directory", "-C", str(ROOT), "up"]
            self._make = subprocess.Popen(line, stdout=said, stderr=said, env=self._env, start_new_session=True)
        until(lambda: "Ctrl-C stops it" in self.said() or self._ended(), self._said)
        assert not self._ended(), self.said()
        return self.said()

    def interrupt(self) -> None:
        """Press Ctrl-C: all in the foreground get the signal."""
        if self._make is not None and not self._ended():
            os.killpg(self._make.pid, signal.SIGINT)
            self._make.wait(60)

    def said(self) -> str:
        """All that it has written."""
        return self._said.read_text()

    def _ended(self) -> bool:
        return self._make is not None and self._make.poll() is not None


class SecondTerminal:
    """A shell that keeps what it is told."""

    def __init__(self, tree: Path):
        self._bash = subprocess.Popen(
            ["bash"], cwd=tree, env=environment(), stdin=-1, stdout=-1, stderr=subprocess.STDOUT, text=True
        )

    def type(self, block: str) -> tuple[int, str]:
        """Run some lines; the answer is the last status and what they wrote."""
        given, written = self._pipes()
        given.write(f"{block}\nprintf '\\n%s %s\\n' DONE $?\n")
        given.flush()
        lines: list[str] = []
        for line in written:
            if line.startswith("DONE "):
                return int(line.split()[1]), "".join(lines).rstrip("\n")
            lines.append(line)
        raise AssertionError("".join(lines))

    def close(self) -> None:
        """End it."""
        for pipe in self._pipes():
            pipe.close()
        self._bash.wait(30)

    def _pipes(self) -> tuple[IO[str], IO[str]]:
        assert self._bash.stdin is not None
        assert self._bash.stdout is not None
        return self._bash.stdin, self._bash.stdout


@contextmanager
def terminals(tree: Path, ports: Ports) -> Generator[tuple[FirstTerminal, SecondTerminal]]:
    """Two of them, in a folder that looks like a clone in which only what is new is new."""
    for entry in ROOT.iterdir():
        if entry.name not in {".git", ".perdure", "Makefile"}:
            (tree / entry.name).symlink_to(entry)
    first, second = FirstTerminal(tree, ports), SecondTerminal(tree)
    try:
        yield first, second
    finally:
        second.close()
        first.interrupt()


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize("page", [README, QUICK_START], ids=lambda page: page.name)
def test_every_step_of_the_page_works_as_written(page: Path, tmp_path: Path) -> None:
    ports = Ports(free_port(), free_port(), free_port())
    status, said = 0, ""
    with terminals(tmp_path, ports) as (first, second):
        for kind, text in BLOCK.findall(ports.put_in(page.read_text())):
            if kind == "text":
                assert shown(text) in shown(said)
            elif text.strip() == "make up":
                said = first.make_up()
            elif "curl" not in text or shutil.which("curl"):
                status, said = second.type(text)
                assert status == next((code for part, code in FAILING.items() if part in text), 0), said
                assert "Traceback" not in said
        for url in SHOWN_URL.findall(ports.put_in(page.read_text())):
            assert httpx2.get(url).is_success, url
        first.interrupt()
        assert "*** [" not in first.said()
        assert "perdure    | stopped" in first.said()


def test_the_blocks_that_are_meant_to_fail_are_there() -> None:
    typed = [text for page in (README, QUICK_START) for kind, text in BLOCK.findall(page.read_text()) if kind == "sh"]
    assert not [part for part in FAILING if not any(part in text for text in typed)]


def test_every_block_says_whether_it_is_typed_or_shown() -> None:
    for page in (README, QUICK_START):
        assert page.read_text().count("```") == 2 * len(BLOCK.findall(page.read_text())) > 0


def test_make_up_hands_its_options_on() -> None:
    line = ["make", "--no-print-directory", "--dry-run", "up", "ARGS=--port 9000 --workers 2"]
    said = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=True, env=environment()).stdout
    assert said.splitlines()[-1].endswith("perdure up --port 9000 --workers 2")


def shown(text: str) -> str:
    """What is the same in every run."""
    for pattern, word in (
        (r"ex_[0-9a-f]{32}", "ex_"),
        (r"\d\d:\d\d:\d\d", "at"),
        (r"\b\d+(\.\d+)? m?s\b", "for"),
        (r" +$", ""),
    ):
        text = re.sub(pattern, word, text, flags=re.MULTILINE)
    return text.strip()
