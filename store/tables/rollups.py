"""What analytics add up: sums kept beside the rows that they are of.

A row of either table is a sparse vector: `keys[i]` of the quarter of an hour `quarters[i]` comes to `amounts[i]`."""

# SQLModel declares `__tablename__` otherwise than everybody writes it.
# pyright: reportAssignmentType=false

from datetime import datetime

from sqlalchemy import BigInteger, Column, Identity, SmallInteger, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field

from store.tables.columns import Tenanted, moment


class RollupRow(Tenanted, table=True):
    """Sums over an hour, a day or ten days, in UTC."""

    __tablename__ = "rollups"

    nodes: bool = Field(primary_key=True)
    """Whether they are of node runs; else they are of executions."""
    level: int = Field(primary_key=True, sa_type=SmallInteger)
    """0: as below; 1: of all versions and triggers of a workflow together; 2: of all workflows too. Hours of nodes have
    only the first, everything of nodes the first two."""
    grain: int = Field(primary_key=True, sa_type=SmallInteger)
    """0: an hour, 1: a day, 2: ten days."""
    slot: datetime = Field(sa_column=Column(moment().type, primary_key=True))
    """When it begins."""
    workflow: str = Field(primary_key=True, sa_type=Text(collation="C"))
    version: int = Field(primary_key=True)
    trigger: str = Field(primary_key=True, sa_type=Text(collation="C"))
    node: str = Field(primary_key=True, sa_type=Text(collation="C"))
    """The path in the definition; empty: of executions."""
    quarters: list[int] = Field(sa_column=Column(ARRAY(SmallInteger), nullable=False))
    """0 to 3 in an hour; 0 in what is longer."""
    keys: list[str] = Field(sa_column=Column(ARRAY(Text(collation="C")), nullable=False))
    amounts: list[int] = Field(sa_column=Column(ARRAY(BigInteger), nullable=False))


class RollupDeltaRow(Tenanted, table=True):
    """What a transaction changed of the sums of an hour, until it is folded into them: writers only append."""

    __tablename__ = "rollup_deltas"

    id: int = Field(sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    slot: datetime = Field(sa_column=moment())
    workflow: str = Field(sa_type=Text(collation="C"))
    version: int
    trigger: str = Field(sa_type=Text(collation="C"))
    node: str = Field(sa_type=Text(collation="C"))
    quarters: list[int] = Field(sa_column=Column(ARRAY(SmallInteger), nullable=False))
    keys: list[str] = Field(sa_column=Column(ARRAY(Text(collation="C")), nullable=False))
    amounts: list[int] = Field(sa_column=Column(ARRAY(BigInteger), nullable=False))
