"""The first tables.

Written out, not taken from :mod:`isbjerg.storage.catalog.schema`: a migration keeps its
meaning when the schema moves on.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    _sequences()
    _frame_versions()
    _feature_sets()
    _data_versions()
    _data_version_payloads()
    _data_parts()
    _runs()
    _run_payloads()
    _run_holders()
    _run_metrics()
    _verdicts()
    _model_versions()
    _model_cards()
    _plans()
    _assignments()
    _audit()
    _leases()


def downgrade() -> None:
    """Refuse: bring the file back from a copy instead."""
    raise NotImplementedError


def _sequences() -> None:
    op.create_table(
        "sequences",
        sa.Column("name", sa.String(), primary_key=True),
        sa.Column("next", sa.Integer(), nullable=False),
    )


def _frame_versions() -> None:
    op.create_table(
        "frame_versions",
        sa.Column("hash", sa.String(), primary_key=True),
        sa.Column("measure_hash", sa.String(), nullable=False),
        sa.Column("at_us", sa.Integer(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
    )


def _feature_sets() -> None:
    op.create_table(
        "feature_sets",
        sa.Column("hash", sa.String(), primary_key=True),
        sa.Column("at_us", sa.Integer(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
    )


def _data_versions() -> None:
    op.create_table(
        "data_versions",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("table_name", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("parent", sa.String(), sa.ForeignKey("data_versions.id")),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("at_us", sa.Integer(), nullable=False),
        sa.Column("live", sa.Boolean(), nullable=False),
        sa.Column("fingerprint", sa.String()),
        sa.UniqueConstraint("table_name", "number"),
    )


def _data_version_payloads() -> None:
    op.create_table(
        "data_version_payloads",
        sa.Column("version", sa.String(), sa.ForeignKey("data_versions.id"), primary_key=True),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
    )


def _data_parts() -> None:
    op.create_table(
        "data_parts",
        sa.Column("table_name", sa.String(), primary_key=True),
        sa.Column("hash", sa.String(), primary_key=True),
        sa.Column("first_version", sa.String(), sa.ForeignKey("data_versions.id"), nullable=False),
    )


def _runs() -> None:
    op.create_table(
        "runs",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("number", sa.Integer(), nullable=False, unique=True),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("started_us", sa.Integer(), nullable=False),
        sa.Column("finished_us", sa.Integer()),
        sa.Column("parent", sa.String(), sa.ForeignKey("runs.id")),
        sa.Column("frame_hash", sa.String(), nullable=False),
        sa.Column("measure_hash", sa.String(), nullable=False),
        sa.Column("as_of_us", sa.Integer()),
        sa.Column("seed", sa.Integer(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("chosen", sa.String()),
        sa.Column("verdict", sa.String()),
    )
    op.create_index("ix_runs_status", "runs", ["status"])


def _run_payloads() -> None:
    op.create_table(
        "run_payloads",
        sa.Column("run", sa.String(), sa.ForeignKey("runs.id"), primary_key=True),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("finish_hash", sa.String()),
    )


def _run_holders() -> None:
    op.create_table(
        "run_holders",
        sa.Column("run", sa.String(), sa.ForeignKey("runs.id"), primary_key=True),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("started", sa.String(), nullable=False),
    )


def _run_metrics() -> None:
    op.create_table(
        "run_metrics",
        sa.Column("run", sa.String(), sa.ForeignKey("runs.id"), primary_key=True),
        sa.Column("rung", sa.String(), primary_key=True),
        sa.Column("split", sa.String(), primary_key=True),
        sa.Column("metric", sa.String(), primary_key=True),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("value", sa.Float()),
        sa.Column("low", sa.Float()),
        sa.Column("high", sa.Float()),
        sa.Column("n", sa.Integer(), nullable=False),
    )


def _verdicts() -> None:
    op.create_table(
        "verdicts",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("run", sa.String(), sa.ForeignKey("runs.id"), nullable=False),
        sa.Column("rung", sa.String(), nullable=False),
        sa.Column("passed", sa.Boolean(), nullable=False),
        sa.Column("at_us", sa.Integer(), nullable=False),
        sa.Column("findings", sa.LargeBinary(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
    )


def _model_versions() -> None:
    op.create_table(
        "model_versions",
        sa.Column("number", sa.Integer(), primary_key=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("bundle", sa.String(), nullable=False),
        sa.Column("run", sa.String(), sa.ForeignKey("runs.id"), nullable=False),
        sa.Column("rung", sa.String(), nullable=False),
        sa.Column("verdict", sa.String(), sa.ForeignKey("verdicts.id"), nullable=False),
        sa.Column("at_us", sa.Integer(), nullable=False),
    )


def _model_cards() -> None:
    op.create_table(
        "model_cards",
        sa.Column("number", sa.Integer(), sa.ForeignKey("model_versions.number"), primary_key=True),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
    )


def _plans() -> None:
    op.create_table(
        "plans",
        sa.Column("epoch", sa.Integer(), primary_key=True),
        sa.Column("at_us", sa.Integer(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
    )


def _assignments() -> None:
    op.create_table(
        "assignments",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), sa.ForeignKey("model_versions.number"), nullable=False),
        sa.Column("share", sa.Float(), nullable=False),
        sa.Column("from_us", sa.Integer(), nullable=False),
        sa.Column("until_us", sa.Integer()),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("why", sa.String(), nullable=False),
        sa.Column("epoch", sa.Integer(), sa.ForeignKey("plans.epoch"), nullable=False),
    )
    op.create_index("assignments_open", "assignments", ["role", "until_us"])


def _audit() -> None:
    op.create_table(
        "audit",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("at_us", sa.Integer(), nullable=False),
        sa.Column("who", sa.String(), nullable=False),
        sa.Column("act", sa.String(), nullable=False),
        sa.Column("why", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
    )


def _leases() -> None:
    op.create_table(
        "leases",
        sa.Column("name", sa.String(), primary_key=True),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("started", sa.String(), nullable=False),
        sa.Column("what", sa.String(), nullable=False),
        sa.Column("taken_us", sa.Integer(), nullable=False),
        sa.Column("token", sa.String(), nullable=False),
    )
