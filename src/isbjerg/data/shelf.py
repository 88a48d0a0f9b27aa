"""A shelf for columns: outside of memory, and yet ordinary columns.

A table that is large against the memory that may be used is not held in memory. Its columns lie
in files of a scratch folder, uncompressed, and are mapped: they look and work like any others,
and the system reads what is touched and forgets it again when memory is scarce. So the same code
handles small and large tables, column by column, and gives the same values; only where a whole
table would be copied, its columns are copied one by one onto the shelf.

Files are removed as soon as they are mapped. What was mapped stays readable, nothing is left
behind when a process ends, however it ends.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import polars as pl

_UNFINISHED = ".writing-"
"""How names begin that :func:`isbjerg.storage.durable.sweep_unfinished` sweeps after a crash."""

_SMALL_BYTES = 2**20
"""A smaller column is left in memory."""

_BATCH_ROWS = 2**14
"""Columns are written in stretches of so many rows, all alike: a query over columns that are parted
in different ways would first copy them into one piece each."""

_TABLE_SHARE = 8
"""A table larger than this part of the memory goes onto the shelf: several are worked on at once,
and steps between them need room for columns of their own."""


_ROW_GROUPS_AT_ONCE = 4
"""So many row groups of a Parquet file does Polars read ahead and decode, as was measured."""


class Shelf:
    """Keep columns in memory or in mapped files, by the size of their table.

    Parameters
    ----------
    folder : Path
        Where files are written, on a disk with room; made when needed.
    memory_bytes : int
        How much memory the process may use in all.

    Examples
    --------
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     shelf = Shelf(Path(folder), memory_bytes=8_000_000)
    ...     column = shelf.of(2_000_000).put(pl.Series("x", range(250_000)))
    ...     column.sum(), list(Path(folder).iterdir())
    (31249875000, [])
    """

    def __init__(self, folder: Path, memory_bytes: int) -> None:
        self._folder: Path | None = folder
        self.memory_bytes = memory_bytes

    def of(self, table_bytes: int) -> Shelf:
        """Choose for a table of a size: this shelf, or memory where that suffices."""
        return self if self._folder and table_bytes > self.table_bytes_max else IN_MEMORY

    @property
    def table_bytes_max(self) -> int:
        """Size up to which a table is held in memory."""
        return self.memory_bytes // _TABLE_SHARE

    @property
    def is_memory(self) -> bool:
        """Whether columns just stay in memory."""
        return self._folder is None

    def put(self, column: pl.Series) -> pl.Series:
        """Keep a column."""
        if self._folder is None or column.estimated_size() < _SMALL_BYTES:
            return column
        return self._mapped(column.to_frame().lazy()).to_series()

    def frame(self, columns: Iterable[pl.Series]) -> pl.DataFrame:
        """Keep columns as they are made, and form them into a table."""
        return pl.DataFrame([self.put(column) for column in columns])

    def filtered(self, df: pl.DataFrame, rows: pl.Series) -> pl.DataFrame:
        """Keep the rows that a mask chooses; the table itself when it chooses all."""
        if rows.all():
            return df
        if self._folder is None:
            return df.filter(rows)
        return self.frame(column.filter(rows) for column in df.iter_columns())

    def taken(self, df: pl.DataFrame, places: pl.Series) -> pl.DataFrame:
        """Keep rows in the order of their places; a stretch of the table where they are one."""
        start = int(places[0]) if len(places) else 0
        following = pl.int_range(start, start + len(places), eager=True)
        if (places == following).all():
            return df.slice(start, len(places))
        if self._folder is None:
            return df[places]
        return self.frame(column.gather(places) for column in df.iter_columns())

    def sorted(self, df: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
        """Keep the rows in an order; rows of one place stay in theirs."""
        places = df.select(pl.arg_sort_by(list(by), maintain_order=True)).to_series()
        return self.taken(df, places)

    def stream(self, rows: pl.LazyFrame) -> pl.DataFrame:
        """Keep what a query gives, without having all of it in memory at any time."""
        return rows.collect() if self._folder is None else self._mapped(rows)

    def parquet(self, file: Path, wanted: Sequence[pl.Expr] = ()) -> pl.DataFrame:
        """Keep the columns of a Parquet file, or what expressions make of them, one column each.

        A reader holds several row groups at once. How many rows these have was decided by who
        wrote the file; so as many columns are read at once as have room, and then the next.
        """
        rows = pl.scan_parquet(file, glob=False)
        asked = list(wanted) or [pl.col(name) for name in rows.collect_schema().names()]
        if self._folder is None:
            return rows.select(asked).collect()
        room = self.table_bytes_max // _ROW_GROUPS_AT_ONCE
        at_once = max(1, room // max(1, _row_group_bytes_per_column(file)))
        starts = range(0, len(asked), at_once)
        pieces = [self._mapped(rows.select(asked[i : i + at_once])) for i in starts]
        return pl.DataFrame([column for piece in pieces for column in piece.iter_columns()])

    def _mapped(self, rows: pl.LazyFrame) -> pl.DataFrame:
        assert self._folder is not None  # noqa: S101 (callers have asked)
        import pyarrow as pa  # noqa: PLC0415 (most tables are never put on a shelf)
        import pyarrow.ipc  # noqa: PLC0415

        self._folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=self._folder, prefix=_UNFINISHED)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)  # held: a sweep beside this leaves it alone
            rows.sink_ipc(name, compression="uncompressed", record_batch_size=_BATCH_ROWS)
            with pa.memory_map(name) as file:
                table = pyarrow.ipc.open_file(file).read_all()
        finally:
            Path(name).unlink(missing_ok=True)
            os.close(handle)
        df = pl.from_arrow(table, rechunk=False)
        return df if isinstance(df, pl.DataFrame) else df.to_frame()


def _row_group_bytes_per_column(file: Path) -> int:
    import pyarrow.parquet as pq  # noqa: PLC0415

    about = pq.read_metadata(file)
    groups = (int(about.row_group(i).total_byte_size) for i in range(about.num_row_groups))
    return max(groups, default=0) // max(1, int(about.num_columns))


class _Memory(Shelf):
    """The shelf that is none."""

    def __init__(self) -> None:
        self._folder = None
        self.memory_bytes = 2**63


IN_MEMORY: Shelf = _Memory()
"""Keeps every column where it is."""
