"""Immutable Parquet parts: write one, read the facts of a data version, quarantine, sweep.

A part is written before the catalog knows of it, so a crash can leave a part that no version
lists, never a version that lists a part which is not there. `sweep` removes such orphans.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

import polars as pl

from isbjerg.canonical import file_sha256
from isbjerg.data.carriers import DTYPES
from isbjerg.data.shelf import IN_MEMORY, Shelf
from isbjerg.data.versions import INGESTED_AT, LIVE_AT, ROW, DataVersion, Part, conform
from isbjerg.errors import StoreError
from isbjerg.expressions.tree import Type
from isbjerg.storage.blobs import damaged
from isbjerg.storage.durable import WRITING, settle_file
from isbjerg.storage.layout import Store

_ROW_GROUP = 131_072
"""Fixed, so that equal rows give equal bytes."""

_BYTES = {Type.TEXT: 32, Type.BOOLEAN: 1}
"""About how much memory a value takes, where it is not 8 bytes."""

_OWN = {ROW: Type.INTEGER, LIVE_AT: Type.INSTANT, INGESTED_AT: Type.INSTANT}


def write_part(store: Store, table: str, facts: pl.DataFrame) -> Part:
    """Write rows as a part; durable when this returns.

    Equal rows give equal bytes, and so the same part: writing again after a crash does not
    double anything.

    Parameters
    ----------
    store : Store
        Where to write.
    table : str
        Name of the source.
    facts : polars.DataFrame
        From :func:`isbjerg.data.versions.as_facts`.
    """
    path = settle_file(store.table(table), lambda temporary: _write(facts, store, table, temporary))
    return Part(hash=path.stem, rows=facts.height, bytes=path.stat().st_size)


def write_parts(store: Store, table: str, facts: pl.DataFrame, part_bytes: int) -> list[Part]:
    """Write rows as parts of about a size in memory each; small tables are one part.

    Parameters
    ----------
    store : Store
        Where to write.
    table : str
        Name of the source.
    facts : polars.DataFrame
        From :func:`isbjerg.data.versions.as_facts`.
    part_bytes : int
        How large a part may be before it is compressed.
    """
    size = int(facts.estimated_size())
    if size <= part_bytes:
        return [write_part(store, table, facts)]
    rows = max(1, facts.height * part_bytes // size)
    rows = -(-rows // _ROW_GROUP) * _ROW_GROUP
    starts = range(0, facts.height, rows)
    return [write_part(store, table, facts.slice(start, rows)) for start in starts]


def _write(facts: pl.DataFrame, store: Store, table: str, temporary: Path) -> Path:
    _write_parquet(facts, temporary)
    return store.part(table, file_sha256(temporary))


def _write_parquet(df: pl.DataFrame, path: Path) -> None:
    df.rechunk().write_parquet(
        path, compression="zstd", compression_level=3, row_group_size=_ROW_GROUP, statistics=True
    )


def read_facts(
    store: Store,
    version: DataVersion,
    columns: Sequence[str] | None = None,
    *,
    verify: bool = True,
    shelf: Shelf = IN_MEMORY,
) -> pl.DataFrame:
    """Read the facts of a data version: columns of the source, ``_live_at`` and ``_row``.

    Parameters
    ----------
    store : Store
        Where the parts are.
    version : DataVersion
        Which parts, and which columns with which types; a column that an older part lacks
        is null there.
    columns : sequence of str, optional
        Only these columns of the source (``_ingested_at`` may be named too).
    verify : bool, default=True
        Whether to check each part against its SHA-256 first.
    shelf : Shelf, optional
        Where columns go that are too large for memory.

    Returns
    -------
    polars.DataFrame
        In order of ``_row``: every row ever ingested, corrections after what they correct.

    Raises
    ------
    StoreError
        When a part is missing or damaged: bring it back from a copy of the store.
    """
    schema = {**dict(version.schema), **_OWN}
    names = list(dict(version.schema)) if columns is None else list(columns)
    wanted = {name: schema[name] for name in dict.fromkeys([*names, LIVE_AT, ROW])}
    chosen = shelf.of(version.rows * sum(_BYTES.get(kind, 8) for kind in wanted.values()))
    frames = [
        _part(store, version.table, part, wanted, chosen, verify=verify) for part in version.parts
    ]
    if not frames:
        return pl.DataFrame(schema={name: DTYPES[kind] for name, kind in wanted.items()})
    return pl.concat(frames, rechunk=chosen.is_memory)


def _part(
    store: Store,
    table: str,
    part: Part,
    wanted: dict[str, Type],
    shelf: Shelf,
    *,
    verify: bool,
) -> pl.DataFrame:
    path = store.part(table, part.hash)
    if not path.exists():
        raise StoreError(
            f"Part '{part.hash}' of table '{table}' is not in the store.",
            code="ISB601",
            mend=f"copy the file back from a backup of .isbjerg/tables/{table}",
            part=part.hash,
            table=table,
        )
    if path.stat().st_size != part.bytes or (verify and file_sha256(path) != part.hash):
        raise damaged(path, part.hash)
    there = set(pl.scan_parquet(path, glob=False).collect_schema())
    columns = [pl.col(name).cast(DTYPES[kind]) for name, kind in wanted.items() if name in there]
    return conform(shelf.parquet(path, columns), wanted)


def write_quarantine(store: Store, table: str, version: str, rows: pl.DataFrame) -> Path:
    """Keep rows that broke the contract, beside the data version that left them out.

    Writing again for the same version replaces the file.
    """
    final = store.quarantined(table, version)

    def write(temporary: Path) -> Path:
        _write_parquet(rows, temporary)
        return final

    return settle_file(final.parent, write)


def sweep(store: Store, table: str, referenced: Collection[str]) -> list[str]:
    """Remove what a killed ingest left behind: unfinished files, and parts no version lists.

    Call it while holding the lease ``ingest`` and before writing: then nobody else can have
    a part written that is not listed yet.

    Parameters
    ----------
    store : Store
        Where the parts are.
    table : str
        Name of the source.
    referenced : collection of str
        Hashes of all parts that any version of the table lists, read under the lease.

    Returns
    -------
    list of str
        Names of the files removed, sorted.
    """
    folder = store.table(table)
    if not folder.exists():
        return []
    gone = [f for f in sorted(folder.iterdir()) if _is_orphan(f, referenced)]
    for file in gone:
        file.unlink(missing_ok=True)
    return [f.name for f in gone]


def _is_orphan(file: Path, referenced: Collection[str]) -> bool:
    if file.name.startswith(WRITING):
        return True
    return file.suffix == ".parquet" and file.stem not in referenced
