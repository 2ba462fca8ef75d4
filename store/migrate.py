"""Brings the schema of a database to the newest version, as the role `perdure_migrator`."""

from pathlib import Path

from alembic import command
from alembic.config import Config

from store.database import dialect_url

_SCRIPTS = Path(__file__).with_name("migrations")


def migrate(url: str) -> None:
    """Run the migrations that have not been run. Two at once do no harm: they wait for each other."""
    command.upgrade(configuration(url), "head")


def configuration(url: str) -> Config:
    """What Alembic's own commands ask for."""
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    config.attributes["url"] = dialect_url(url)
    return config
