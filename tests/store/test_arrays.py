"""Columns of batches, as PostgreSQL reads them."""

from collections.abc import Sequence
from datetime import UTC
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from store.arrays import array
from store.database import Database

WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))
COLUMNS = {
    "text": WORDS,
    "bigint": st.integers(-(2**63), 2**63 - 1),
    "float8": st.floats(allow_nan=False),
    "boolean": st.booleans(),
    "bytea": st.binary(),
    "timestamptz": st.datetimes(timezones=st.just(UTC)),
}


@pytest.mark.parametrize("type", COLUMNS)
async def test_a_column_comes_back_as_it_was(type: str, store: Database) -> None:
    async with store.engine.connect() as connection:

        async def back(values: Sequence[Any]) -> list[Any]:
            rows = await connection.execute(
                text(f"select value from unnest(cast(:values as {type}[])) as value"), {"values": array(values)}
            )
            return [row[0] for row in rows]

        for values in examples(type):
            assert await back(values) == values


def examples(type: str) -> list[list[Any]]:
    """Hypothesis finds them here, and the database is asked afterwards: its connection belongs to one event loop."""
    found: list[list[Any]] = [[], [None], ["NULL", "null", "", "{}", '"', "\\", ",", " a "] if type == "text" else []]

    @settings(max_examples=50, database=None)
    @given(st.lists(st.none() | COLUMNS[type], max_size=20))
    def collect(values: list[Any]) -> None:
        found.append(values)

    collect()
    return found
