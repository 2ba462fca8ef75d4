"""Makes the database and its three roles, once, as a superuser.

Processes run as `perdure_app`, which owns nothing and bypasses nothing; migrations run as `perdure_migrator`. Nobody
logs in as `perdure_doorman`, who owns the functions that find a tenant."""

import psycopg
from psycopg import sql
from sqlalchemy import make_url

MIGRATOR = "perdure_migrator"
APP = "perdure_app"
DOORMAN = "perdure_doorman"


def make_roles(superuser: str, *, migrator: str, app: str) -> None:
    """Make what is missing, and set the passwords of the two roles that log in."""
    with psycopg.connect(superuser, autocommit=True) as connection:
        for role, password in ((MIGRATOR, migrator), (APP, app), (DOORMAN, None)):
            if connection.execute("select from pg_roles where rolname = %s", [role]).fetchone() is None:
                connection.execute(sql.SQL("create role {}").format(sql.Identifier(role)))
            if password is not None:
                statement = "alter role {} login nosuperuser nobypassrls nocreaterole nocreatedb password {}"
                connection.execute(sql.SQL(statement).format(sql.Identifier(role), sql.Literal(password)))
        connection.execute(sql.SQL("grant {} to {}").format(sql.Identifier(DOORMAN), sql.Identifier(MIGRATOR)))


def make_database(superuser: str, name: str) -> None:
    """Make a database that belongs to the migrator, unless it is there."""
    with psycopg.connect(superuser, autocommit=True) as connection:
        if connection.execute("select from pg_database where datname = %s", [name]).fetchone() is not None:
            return
        connection.execute(
            sql.SQL("create database {} owner {}").format(sql.Identifier(name), sql.Identifier(MIGRATOR))
        )
    with psycopg.connect(within(superuser, name), autocommit=True) as connection:
        connection.execute(sql.SQL("alter schema public owner to {}").format(sql.Identifier(MIGRATOR)))


def within(url: str, name: str) -> str:
    """The same server, another database."""
    return make_url(url).set(database=name).render_as_string(hide_password=False)
