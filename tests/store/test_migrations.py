"""All migrations together make the tables that the code knows."""

from alembic import command

from store.migrate import configuration, migrate
from store.roles import MIGRATOR
from tests.postgres import Server


def test_the_migrations_make_the_tables(postgres: Server, database_name: str) -> None:
    command.check(configuration(postgres.url(database_name, MIGRATOR)))


def test_migrating_again_changes_nothing(postgres: Server, database_name: str) -> None:
    migrate(postgres.url(database_name, MIGRATOR))
    command.check(configuration(postgres.url(database_name, MIGRATOR)))
