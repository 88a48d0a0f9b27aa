"""Data versions, and which rows of a read are new or corrected.

The history of a table is a chain of versions. A version lists all parts of the table: those
of its parent and its own, which hold only rows that are new or whose values changed: one, or
several where it would not fit into memory. Nothing is overwritten: a correction is one more row, later by ``_row``, and a
row that left the source stays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
import polars as pl

from isbjerg.data.carriers import DTYPES, schema_of
from isbjerg.data.manifest import INGESTED_AT, LIVE_AT, RESERVED, ROW, DataVersion, Part, Reading
from isbjerg.data.shelf import IN_MEMORY, Shelf
from isbjerg.errors import SourceError
from isbjerg.expressions.tree import Type
from isbjerg.findings import Finding

__all__ = [
    "INGESTED_AT",
    "LIVE_AT",
    "RESERVED",
    "ROW",
    "Changes",
    "DataVersion",
    "Part",
    "as_facts",
    "conform",
    "merge_schema",
    "new_facts",
    "newest",
    "next_version",
    "without_duplicates",
]


class Changes(msgspec.Struct, frozen=True, kw_only=True):
    """How a read differs from what is known already.

    Parameters
    ----------
    new, corrected : polars.DataFrame
        Rows of the read whose key was not there, and whose values differ.
    unchanged, vanished : int
        Rows that are as they were, and keys that the read lacks.
    """

    new: pl.DataFrame
    corrected: pl.DataFrame
    unchanged: int
    vanished: int

    @property
    def rows(self) -> pl.DataFrame:
        """What the next part must hold: the new rows, then the corrected ones."""
        return pl.concat([self.new, self.corrected])

    @property
    def any(self) -> bool:
        """Whether there is anything to write."""
        return bool(self.new.height or self.corrected.height)


def newest(facts: pl.DataFrame, key: Sequence[str], shelf: Shelf = IN_MEMORY) -> pl.DataFrame:
    """Keep of each key the row that came last: by ``_ingested_at`` where it is there, then ``_row``.

    Rows that were posted to a server keep the high numbers they got there, so a correction that
    was read from a file later has a lower one.

    Examples
    --------
    >>> facts = pl.DataFrame({"id": [7, 7, 8], "x": [1, 2, 3], "_row": [0, 1, 2]})
    >>> newest(facts, ["id"])["x"].to_list()
    [2, 3]
    """
    order = [column for column in (INGESTED_AT, ROW) if column in facts.columns]
    in_order = all(facts[column].is_sorted() for column in order)
    ordered = facts if in_order else shelf.sorted(facts, order)
    is_last = ordered.select(_one(key).is_last_distinct()).to_series()
    return shelf.filtered(ordered, is_last)


def without_duplicates(
    df: pl.DataFrame, key: Sequence[str], shelf: Shelf = IN_MEMORY
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Part a read into the first row of each key and the rows that repeat a key.

    Returns
    -------
    tuple of (polars.DataFrame, polars.DataFrame)
        Rows to go on with, and rows to quarantine.

    Examples
    --------
    >>> kept, repeated = without_duplicates(pl.DataFrame({"id": [1, 1], "x": [5, 6]}), ["id"])
    >>> kept["x"].to_list(), repeated["x"].to_list()
    ([5], [6])
    """
    is_first = df.select(_one(key).is_first_distinct()).to_series()
    if is_first.all():
        return df, df.clear()
    return shelf.filtered(df, is_first), shelf.filtered(df, ~is_first)


def _one(key: Sequence[str]) -> pl.Expr:
    return pl.col(key[0]) if len(key) == 1 else pl.struct(list(key))


def new_facts(
    current_newest: pl.DataFrame,
    incoming: pl.DataFrame,
    key: Sequence[str],
    shelf: Shelf = IN_MEMORY,
) -> Changes:
    """Find which rows of a read are new or corrected.

    Null equals null. A column that only one side has counts as null on the other, so a new
    column corrects exactly the rows in which it has a value.

    Parameters
    ----------
    current_newest : polars.DataFrame
        The newest row of each key, from `newest`; its ``_row``, ``_live_at`` and
        ``_ingested_at`` are not compared. Empty for a first read.
    incoming : polars.DataFrame
        The read, in carriers, its keys unique.
    key : sequence of str
        Columns that identify a row.
    shelf : Shelf, optional
        Where the rows found go.

    Returns
    -------
    Changes
        In the order of `incoming`.

    Examples
    --------
    >>> old = pl.DataFrame({"id": [1, 2], "x": [None, 5.0]})
    >>> read = pl.DataFrame({"id": [1, 2, 3], "x": [None, 6.0, 7.0]})
    >>> changes = new_facts(old, read, ["id"])
    >>> changes.new["id"].to_list(), changes.corrected["id"].to_list(), changes.unchanged
    ([3], [2], 1)
    """
    if current_newest.height == 0:
        return Changes(new=incoming, corrected=incoming.clear(), unchanged=0, vanished=0)
    old, read = _same_columns(current_newest, incoming)
    where = _positions(old, read, key)
    found = where.is_not_null()
    vanished = old.height - int(found.sum())
    differs = _differs(old, read, where, key) & found
    corrected = shelf.filtered(incoming, differs)
    return Changes(
        new=shelf.filtered(incoming, ~found),
        corrected=corrected,
        unchanged=int(found.sum()) - corrected.height,
        vanished=vanished,
    )


def _same_columns(
    current: pl.DataFrame, incoming: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    old = current.drop(RESERVED, strict=False)
    schema = merge_schema(schema_of(old), incoming, old)
    return conform(old, schema), conform(incoming, schema)


def _positions(old: pl.DataFrame, read: pl.DataFrame, key: Sequence[str]) -> pl.Series:
    """Find for each row of the read the row of `old` with its key, or null."""
    here = old.select(key)
    if here.height == read.height and here.equals(read.select(key)):
        return pl.int_range(here.height, dtype=pl.UInt32(), eager=True)
    return (
        read.select(key)
        .join(
            here.with_row_index("at"),
            on=list(key),
            how="left",
            nulls_equal=True,
            maintain_order="left",
        )
        .get_column("at")
    )


def _differs(
    old: pl.DataFrame, read: pl.DataFrame, where: pl.Series, key: Sequence[str]
) -> pl.Series:
    """Compare column by column; a row that is not there differs, unless all of it is null."""
    differs = pl.zeros(read.height, dtype=pl.Boolean, eager=True)
    here = pl.int_range(old.height, dtype=pl.UInt32(), eager=True)
    aligned = len(where) == old.height and bool((where == here).all())
    for name in old.columns:
        if name not in key:
            before = old[name] if aligned else old[name].gather(where)
            differs = differs | before.ne_missing(read[name])
    return differs


def merge_schema(
    before: Mapping[str, Type], incoming: pl.DataFrame, current: pl.DataFrame
) -> dict[str, Type]:
    """Join the columns a table had with those of a read.

    An integer column may become float, a column that never had a value may become anything.

    Raises
    ------
    SourceError
        When a column changed its type in any other way: give it one type in the source.
    """
    merged = dict(before)
    for name, kind in schema_of(incoming).items():
        had = before.get(name, kind)
        if had is kind or incoming[name].null_count() == incoming.height:
            merged.setdefault(name, kind)
        elif {had, kind} == {Type.INTEGER, Type.FLOAT}:
            merged[name] = Type.FLOAT
        elif current[name].null_count() == current.height:
            merged[name] = kind
        else:
            raise SourceError(
                f"Column '{name}' was of type {had} and is now of type {kind}.",
                code="ISB303",
                mend=f'give it one type: ib.csv(..., types={{"{name}": "{had}"}})',
                column=name,
                was=str(had),
                now=str(kind),
            )
    return merged


def conform(df: pl.DataFrame, schema: Mapping[str, Type]) -> pl.DataFrame:
    """Bring a frame of an older or newer read to the columns and types of `schema`."""
    there = dict(zip(df.columns, df.iter_columns(), strict=True))
    return pl.DataFrame(
        [
            _conformed(there.get(name), name, DTYPES[kind], df.height)
            for name, kind in schema.items()
        ]
    )


def _conformed(column: pl.Series | None, name: str, dtype: pl.DataType, rows: int) -> pl.Series:
    """Take a column as it is where that will do: a query over columns on the shelf may copy them."""
    if column is None:
        return pl.Series(name, [None], dtype).new_from_index(0, rows)
    return column if column.dtype == dtype else column.cast(dtype)


def as_facts(rows: pl.DataFrame, *, first_row: int, ingested_us: int, live: bool) -> pl.DataFrame:
    """Add ``_row``, ``_live_at`` and ``_ingested_at`` to rows about to be written.

    Parameters
    ----------
    rows : polars.DataFrame
        New and corrected rows, in carriers.
    first_row : int
        As reserved from the catalog.
    ingested_us : int
        Time of this ingest.
    live : bool
        Whether the rows count as known only from now on.

    Raises
    ------
    SourceError
        When the source has a column of one of these names: rename it.
    """
    if taken := [c for c in RESERVED if c in rows.columns]:
        raise SourceError(
            f"Columns {taken} are isbjerg's own names.",
            code="ISB304",
            mend=f'rename them in the source function: df.rename({{"{taken[0]}": "row"}})',
            columns=taken,
        )
    instant = DTYPES[Type.INSTANT]
    now = pl.Series(INGESTED_AT, [ingested_us], pl.Int64).cast(instant)
    arrived = now.alias(LIVE_AT) if live else pl.Series(LIVE_AT, [None], instant)
    number = pl.int_range(first_row, first_row + rows.height, dtype=pl.Int64, eager=True)
    return pl.DataFrame(
        [
            *rows.iter_columns(),
            number.alias(ROW),
            arrived.new_from_index(0, rows.height),
            now.new_from_index(0, rows.height),
        ]
    )


def next_version(
    parent: DataVersion | None,
    *,
    table: str,
    key: Sequence[str],
    parts: Sequence[Part],
    schema: Mapping[str, Type],
    source: str,
    at_us: int,
    live: bool,
    fingerprint: str | None = None,
    changes: Changes | None = None,
    quarantined: int = 0,
    findings: Sequence[Finding] = (),
    reading: Reading | None = None,
) -> DataVersion:
    """Build the version that follows `parent` when its own parts have been written.

    Without parts of its own it holds the rows that it held, read in another way.

    Examples
    --------
    >>> first = next_version(
    ...     None,
    ...     table="loans",
    ...     key=["id"],
    ...     parts=[Part("ab", 3, 100)],
    ...     schema={"id": Type.INTEGER},
    ...     source="loans.csv",
    ...     at_us=0,
    ...     live=False,
    ... )
    >>> first.id, first.rows, first.parent
    ('loans@v1', 3, None)
    """
    number = parent.number + 1 if parent else 1
    own = tuple(parts)
    parts = (*(parent.parts if parent else ()), *own)
    return DataVersion(
        id=f"{table}@v{number}",
        table=table,
        number=number,
        parent=parent.id if parent else None,
        parts=parts,
        schema=tuple(schema.items()),
        key=tuple(key),
        source=source,
        fingerprint=fingerprint,
        rows=sum(p.rows for p in parts),
        at_us=at_us,
        live=live,
        new=changes.new.height if changes else sum(p.rows for p in own),
        corrected=changes.corrected.height if changes else 0,
        vanished=changes.vanished if changes else 0,
        quarantined=quarantined,
        findings=tuple(findings),
        reading=reading,
    )
