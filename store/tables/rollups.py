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
    """Sums of one kind over an hour, six hours, a day or ten days, in UTC."""

    __tablename__ = "rollups"

    nodes: bool = Field(primary_key=True)
    """Whether they are of node runs; else they are of executions."""
    level: int = Field(primary_key=True, sa_type=SmallInteger)
    """0: as below; 1: of all versions and triggers of a workflow together; 2: of all workflows too; 3: of all
    workflows, by trigger. Of nodes there are the first two, of their hours only the first."""
    grain: int = Field(primary_key=True, sa_type=SmallInteger)
    """0: an hour, 1: six hours, 2: a day, 3: ten days."""
    kind: int = Field(primary_key=True, sa_type=SmallInteger)
    """0: counts, 1: buckets of durations, 2: error codes, 3: units of cost."""
    slot: datetime = Field(sa_column=Column(moment().type, primary_key=True))
    """When it begins."""
    workflow: str = Field(primary_key=True, sa_type=Text(collation="C"))
    version: int = Field(primary_key=True)
    trigger: str = Field(primary_key=True, sa_type=Text(collation="C"))
    node: str = Field(primary_key=True, sa_type=Text(collation="C"))
    """The path in the definition; empty: of executions."""
    started: int = Field(sa_type=BigInteger)
    """Of counts, what `keys` and `amounts` say of `started`, in all quarters together: the largest are found by it."""
    time: int = Field(sa_type=BigInteger)
    """The same of `time`."""
    busy: int = Field(sa_type=BigInteger)
    """The same of `busy`."""
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


class RollupRecountRow(Tenanted, table=True):
    """How far a count anew has come, while there is one: executions before this place in the list do not count yet."""

    __tablename__ = "rollup_recounts"

    started_at: datetime = Field(sa_column=moment())
    execution_id: str = Field(sa_type=Text)
