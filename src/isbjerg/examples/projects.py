"""Draft an example's project: its files, and its data made from the package it comes in."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.resources import files as package_files
from importlib.resources.abc import Traversable
from pathlib import Path
from shlex import quote

from isbjerg.errors import ArgumentError
from isbjerg.examples.flights_data import prepare
from isbjerg.examples.flights_package import package_folder
from isbjerg.findings import Finding
from isbjerg.workflows.drafting import Drafted
from isbjerg.workflows.drafting_tooling import tooling_files, write_project

EXAMPLES = ("flights",)
"""What ``isbjerg new --example`` knows."""

SMALL_BEFORE = datetime(2013, 2, 1, tzinfo=UTC)
"""The small example ends here: 27,000 flights of January."""


def draft_example(folder: Path, name: str = "flights", *, full: bool = True) -> Drafted:
    """Write an example's project and its data into a folder.

    Parameters
    ----------
    folder : Path
        Made when it is not there.
    name : str, default="flights"
        Which example.
    full : bool, default=True
        The whole year; otherwise January only, for a look within seconds.

    Returns
    -------
    Drafted
        Names of the files written; a finding tells how many rows the tables have.

    Raises
    ------
    ArgumentError
        When there is no example of that name.
    SourceError
        When the package with its data is not installed: ``pip install 'isbjerg[examples]'``.
    ProjectError
        When files of the same names are in the folder already.
    """
    if name not in EXAMPLES:
        raise ArgumentError(
            f"There is no example '{name}'.\nFound: {', '.join(EXAMPLES)}",
            mend=f"isbjerg new {EXAMPLES[0]} --example {EXAMPLES[0]}",
            name=name,
        )
    raw = package_folder()
    files = {**template_files(name), **tooling_files(ignore="data/\n")}
    write_project(folder, files, again=f"isbjerg new {quote(f'{folder}-2')} --example {name}")
    rows = prepare(folder / "data", package=raw, before=None if full else SMALL_BEFORE)
    made = tuple(f"data/{table}.parquet" for table in rows)
    note = Finding(
        code="draft.data",
        subject=name,
        outcome="passed",
        severity="info",
        message="Tables: " + ", ".join(f"{t} {n:,}" for t, n in rows.items()) + " rows.",
        evidence=dict(rows),
    )
    return Drafted(folder=folder, files=(*sorted(files), *made), findings=(note,))


def template_files(name: str) -> dict[str, str]:
    """Read an example's files; Python is kept as text, so that no tool takes it for isbjerg's.

    Examples
    --------
    >>> sorted(template_files("flights"))[:3]
    ['README.md', 'assumptions.py', 'cases.toml']
    """
    return dict(_texts(package_files("isbjerg.examples") / name, ""))


def _texts(folder: Traversable, above: str) -> Iterator[tuple[str, str]]:
    for item in folder.iterdir():
        if item.is_file():
            yield above + item.name.removesuffix(".txt"), item.read_text(encoding="utf-8")
        else:
            yield from _texts(item, f"{above}{item.name}/")
