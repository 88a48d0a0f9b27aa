"""Tables for notes, profiles, watches, alarms and batches.

``profiles`` holds a profile by what it is of (a data version, a model version) and its kind;
``batches`` one row for each batch of predictions, by an id drawn from what went in.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    _notes()
    _profiles()
    _watches()
    _alarms()
    _batches()


def downgrade() -> None:
    """Refuse: bring the file back from a copy instead."""
    raise NotImplementedError


def _notes() -> None:
    op.create_table(
        "notes",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("run", sa.String(), sa.ForeignKey("runs.id")),
        sa.Column("at_us", sa.Integer(), nullable=False),
        sa.Column("who", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
    )


def _profiles() -> None:
    op.create_table(
        "profiles",
        sa.Column("subject", sa.String(), primary_key=True),
        sa.Column("kind", sa.String(), primary_key=True),
        sa.Column("at_us", sa.Integer(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
    )


def _watches() -> None:
    op.create_table(
        "watches",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("at_us", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), sa.ForeignKey("model_versions.number")),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
    )


def _alarms() -> None:
    op.create_table(
        "alarms",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("severity", sa.String(), nullable=False),
        sa.Column("opened_us", sa.Integer(), nullable=False),
        sa.Column("last_us", sa.Integer(), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("closed_us", sa.Integer()),
        sa.Column("why_closed", sa.String()),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
    )
    op.create_index("alarms_open", "alarms", ["closed_us", "code", "subject"])


def _batches() -> None:
    op.create_table(
        "batches",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("started_us", sa.Integer(), nullable=False),
        sa.Column("finished_us", sa.Integer()),
        sa.Column("version", sa.Integer(), sa.ForeignKey("model_versions.number"), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
    )
