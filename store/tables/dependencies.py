"""Which workflows depend on others, and the executions that wait for those."""

# SQLModel declares `__tablename__` otherwise than everybody writes it.
# pyright: reportAssignmentType=false

from datetime import datetime

from sqlalchemy import ForeignKeyConstraint, Index, Text
from sqlmodel import Field

from store.tables.columns import Tenanted, moment


class WorkflowDependencyRow(Tenanted, table=True):
    """A workflow that starts only if another one has succeeded lately."""

    __tablename__ = "workflow_dependencies"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "workflow_id"], ["workflows.tenant_id", "workflows.id"], ondelete="CASCADE"),
        ForeignKeyConstraint(["tenant_id", "depends_on"], ["workflows.tenant_id", "workflows.id"], ondelete="CASCADE"),
        Index("workflow_dependencies_by_other", "tenant_id", "depends_on"),
    )

    workflow_id: str = Field(primary_key=True, sa_type=Text)
    depends_on: str = Field(primary_key=True, sa_type=Text)
    """The id of the other one."""
    within: float
    """Seconds."""
    on_unmet: str = Field(sa_type=Text)
    wait_at_most: float | None = None
    """Seconds; null: as long as it takes."""
    created_at: datetime = Field(sa_column=moment(default=True))


class DependencyWaitRow(Tenanted, table=True):
    """An execution that is queued until another workflow has succeeded."""

    __tablename__ = "dependency_waits"
    __table_args__ = (Index("dependency_waits_by_workflow", "tenant_id", "workflow"),)

    execution_id: str = Field(primary_key=True, sa_type=Text)
    workflow: str = Field(primary_key=True, sa_type=Text)
    """The name of the other one."""
    within: float
    """Seconds."""
    since: datetime = Field(sa_column=moment(default=True))
