"""What is recorded of a table's states: data versions and the parts they list.

Values only, and nothing heavy is imported, so that the catalog can be read quickly.
"""

from __future__ import annotations

import msgspec

from isbjerg.data.watermarks import Watermark
from isbjerg.expressions.tree import Type
from isbjerg.findings import Finding

FORMAT_VERSION = 1
"""Layout of a stored data version and of its parts."""

ROW = "_row"
"""A number that grows with each row ever ingested into the table."""

LIVE_AT = "_live_at"
"""When a live row was ingested (instant); null for a backfill."""

INGESTED_AT = "_ingested_at"
"""When a row was ingested (instant), live or not."""

RESERVED = (ROW, LIVE_AT, INGESTED_AT)
"""Columns that every part has and no source may have."""


class Part(msgspec.Struct, frozen=True):
    """One immutable Parquet file, named by the SHA-256 of its bytes."""

    hash: str
    rows: int
    bytes: int


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """How the rows of a version were read from their source.

    Parameters
    ----------
    definition : tuple of (str, str)
        What was read, aspect by aspect: kind, path, query, code. Never a secret.
    rules : str
        Name of the contract and the key by which rows were judged.
    columns : tuple of str
        As the source gave them, sorted.
    watermark : Watermark, optional
        How far it was read.
    """

    definition: tuple[tuple[str, str], ...]
    rules: str = ""
    columns: tuple[str, ...] = ()
    watermark: Watermark | None = None


class DataVersion(msgspec.Struct, frozen=True, kw_only=True):
    """One state of a table, as immutable as the parts it lists.

    Parameters
    ----------
    id : str
        ``flights@v3``.
    table : str
        Name of the source.
    number : int
        1 for the first; grows by one.
    parent : str, optional
        The version before.
    parts : tuple of Part
        All parts of the table, oldest first.
    schema : tuple of (str, Type)
        Columns of the source, in its order; those of older parts too.
    key : tuple of str
        Columns that identify a row across corrections.
    source : str
        How the table was read, for people.
    fingerprint : str, optional
        State of the files behind it.
    rows : int
        Rows of all parts.
    new, corrected, vanished, quarantined : int
        What this read brought; vanished rows are kept.
    at_us : int
        When it was ingested.
    live : bool
        Whether its rows count as known only from `at_us` on.
    findings : tuple of Finding
        What carriers, contract and comparison had to say.
    reading : Reading, optional
        How the source was read; versions of before it was kept have none.
    """

    id: str
    table: str
    number: int
    parent: str | None
    parts: tuple[Part, ...]
    schema: tuple[tuple[str, Type], ...]
    key: tuple[str, ...]
    source: str
    fingerprint: str | None
    rows: int
    at_us: int
    live: bool
    new: int = 0
    corrected: int = 0
    vanished: int = 0
    quarantined: int = 0
    findings: tuple[Finding, ...] = ()
    format_version: int = FORMAT_VERSION
    reading: Reading | None = None
