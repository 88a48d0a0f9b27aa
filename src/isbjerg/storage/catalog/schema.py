"""The tables of the catalog.

Payloads (JSON texts read one at a time) stand in tables of their own, so that no list can
touch them. Only the status of a run, the end of an assignment, sequences and leases ever change.
"""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    UniqueConstraint,
)

HEAD = "0002"
"""The migration this version of isbjerg works with."""

metadata = MetaData()

sequences = Table(
    "sequences",
    metadata,
    Column("name", String, primary_key=True),
    Column("next", Integer, nullable=False),
)

frame_versions = Table(
    "frame_versions",
    metadata,
    Column("hash", String, primary_key=True),
    Column("measure_hash", String, nullable=False),
    Column("at_us", Integer, nullable=False),
    Column("payload", LargeBinary, nullable=False),
)

feature_sets = Table(
    "feature_sets",
    metadata,
    Column("hash", String, primary_key=True),
    Column("at_us", Integer, nullable=False),
    Column("payload", LargeBinary, nullable=False),
)

data_versions = Table(
    "data_versions",
    metadata,
    Column("id", String, primary_key=True),
    Column("table_name", String, nullable=False),
    Column("number", Integer, nullable=False),
    Column("parent", String, ForeignKey("data_versions.id")),
    Column("rows", Integer, nullable=False),
    Column("at_us", Integer, nullable=False),
    Column("live", Boolean, nullable=False),
    Column("fingerprint", String),
    UniqueConstraint("table_name", "number"),
)

data_version_payloads = Table(
    "data_version_payloads",
    metadata,
    Column("version", String, ForeignKey("data_versions.id"), primary_key=True),
    Column("payload", LargeBinary, nullable=False),
)

data_parts = Table(
    "data_parts",
    metadata,
    Column("table_name", String, primary_key=True),
    Column("hash", String, primary_key=True),
    Column("first_version", String, ForeignKey("data_versions.id"), nullable=False),
)

runs = Table(
    "runs",
    metadata,
    Column("id", String, primary_key=True),
    Column("number", Integer, nullable=False, unique=True),
    Column("status", String, nullable=False, index=True),
    Column("started_us", Integer, nullable=False),
    Column("finished_us", Integer),
    Column("parent", String, ForeignKey("runs.id")),
    Column("frame_hash", String, nullable=False),
    Column("measure_hash", String, nullable=False),
    Column("as_of_us", Integer),
    Column("seed", Integer, nullable=False),
    Column("note", String, nullable=False),
    Column("chosen", String),
    Column("verdict", String),
)

run_payloads = Table(
    "run_payloads",
    metadata,
    Column("run", String, ForeignKey("runs.id"), primary_key=True),
    Column("payload", LargeBinary, nullable=False),
    Column("finish_hash", String),
)

run_holders = Table(
    "run_holders",
    metadata,
    Column("run", String, ForeignKey("runs.id"), primary_key=True),
    Column("pid", Integer, nullable=False),
    Column("started", String, nullable=False),
)

run_metrics = Table(
    "run_metrics",
    metadata,
    Column("run", String, ForeignKey("runs.id"), primary_key=True),
    Column("rung", String, primary_key=True),
    Column("split", String, primary_key=True),
    Column("metric", String, primary_key=True),
    Column("position", Integer, nullable=False),
    Column("value", Float),
    Column("low", Float),
    Column("high", Float),
    Column("n", Integer, nullable=False),
)

verdicts = Table(
    "verdicts",
    metadata,
    Column("id", String, primary_key=True),
    Column("run", String, ForeignKey("runs.id"), nullable=False),
    Column("rung", String, nullable=False),
    Column("passed", Boolean, nullable=False),
    Column("at_us", Integer, nullable=False),
    Column("findings", LargeBinary, nullable=False),
    Column("payload", LargeBinary, nullable=False),
)

model_versions = Table(
    "model_versions",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("name", String, nullable=False),
    Column("bundle", String, nullable=False),
    Column("run", String, ForeignKey("runs.id"), nullable=False),
    Column("rung", String, nullable=False),
    Column("verdict", String, ForeignKey("verdicts.id"), nullable=False),
    Column("at_us", Integer, nullable=False),
)

model_cards = Table(
    "model_cards",
    metadata,
    Column("number", Integer, ForeignKey("model_versions.number"), primary_key=True),
    Column("payload", LargeBinary, nullable=False),
)

plans = Table(
    "plans",
    metadata,
    Column("epoch", Integer, primary_key=True),
    Column("at_us", Integer, nullable=False),
    Column("payload", LargeBinary, nullable=False),
)

assignments = Table(
    "assignments",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("role", String, nullable=False),
    Column("version", Integer, ForeignKey("model_versions.number"), nullable=False),
    Column("share", Float, nullable=False),
    Column("from_us", Integer, nullable=False),
    Column("until_us", Integer),
    Column("by", String, nullable=False),
    Column("why", String, nullable=False),
    Column("epoch", Integer, ForeignKey("plans.epoch"), nullable=False),
)
Index("assignments_open", assignments.c.role, assignments.c.until_us)

audit = Table(
    "audit",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at_us", Integer, nullable=False),
    Column("who", String, nullable=False),
    Column("act", String, nullable=False),
    Column("why", String, nullable=False),
    Column("subject", String, nullable=False),
    Column("payload", LargeBinary, nullable=False),
)

leases = Table(
    "leases",
    metadata,
    Column("name", String, primary_key=True),
    Column("pid", Integer, nullable=False),
    Column("started", String, nullable=False),
    Column("what", String, nullable=False),
    Column("taken_us", Integer, nullable=False),
    Column("token", String, nullable=False),
)

notes = Table(
    "notes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("run", String, ForeignKey("runs.id")),
    Column("at_us", Integer, nullable=False),
    Column("who", String, nullable=False),
    Column("text", String, nullable=False),
)

profiles = Table(
    "profiles",
    metadata,
    Column("subject", String, primary_key=True),
    Column("kind", String, primary_key=True),
    Column("at_us", Integer, nullable=False),
    Column("payload", LargeBinary, nullable=False),
)

watches = Table(
    "watches",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at_us", Integer, nullable=False),
    Column("version", Integer, ForeignKey("model_versions.number")),
    Column("failed", Integer, nullable=False),
    Column("payload", LargeBinary, nullable=False),
)

alarms = Table(
    "alarms",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("code", String, nullable=False),
    Column("subject", String, nullable=False),
    Column("severity", String, nullable=False),
    Column("opened_us", Integer, nullable=False),
    Column("last_us", Integer, nullable=False),
    Column("times", Integer, nullable=False),
    Column("closed_us", Integer),
    Column("why_closed", String),
    Column("payload", LargeBinary, nullable=False),
)
Index("alarms_open", alarms.c.closed_us, alarms.c.code, alarms.c.subject)

batches = Table(
    "batches",
    metadata,
    Column("id", String, primary_key=True),
    Column("status", String, nullable=False),
    Column("started_us", Integer, nullable=False),
    Column("finished_us", Integer),
    Column("version", Integer, ForeignKey("model_versions.number"), nullable=False),
    Column("rows", Integer, nullable=False),
    Column("payload", LargeBinary, nullable=False),
)
