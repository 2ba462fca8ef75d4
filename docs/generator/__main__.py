"""Writes the reference: `python -m docs.generator`, or `make docs`."""

from docs.generator.pages import FOLDER, PAGES

if __name__ == "__main__":
    for stale in {*FOLDER.glob("*.md")} - {FOLDER / name for name in PAGES}:
        stale.unlink()
    for name, page in PAGES.items():
        (FOLDER / name).write_text(page())
