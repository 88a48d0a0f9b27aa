"""What a drafted project's files are written from."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from isbjerg.workflows.drafting_goal import Goal
from isbjerg.workflows.drafting_numbers import Writing
from isbjerg.workflows.drafting_strength import Halves
from isbjerg.workflows.drafting_table import Column

NULL_VALUES = ("", "NA", "N/A", "NaN", "null", "NULL")
"""Texts that mean *missing* in a CSV file."""


VALIDATION = 0.2
"""Share of the rows for validation."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that the files are written from.

    Parameters
    ----------
    name : str
        Of the source, an identifier.
    table : str
        Path of the table, relative to the project.
    reader : {"csv", "parquet", "jsonl"}
        How it is read.
    separator : str
        What parts the values of a CSV file.
    key : str
        Column, by its name in the project.
    at : str or None
        Column of the decision times; ``None`` when decisions have none.
    row_number : bool
        Whether the key is made from the rows' order.
    zoneless : bool
        Whether the times carry no zone.
    time_format : str or None
        How texts of the time column are read, when they are not ISO 8601.
    time_whole : bool
        Whether the time column holds whole numbers.
    numbers : dict of str to str
        Columns, by their names in the table, whose numbers are written as people write them.
    rows : int
        How many the table has.
    test_share : float
        Which part of the rows judges.
    seed : int
        Seed of a split at random, whose parts have the target evenly.
    label_delay : str
        After which span the target is taken as known.
    goal : Goal
        What is predicted, by its name in the project.
    target : str
        Name of the target's function.
    columns : tuple of Column
        All others.
    renamed : dict of str to str
        Columns whose names had to change.
    dropped : tuple of str
        Columns, by their names in the table, of types that cannot be stored.
    rule : Halves or None
        A first rule.
    """

    name: str
    table: str
    reader: str
    key: str
    at: str | None
    row_number: bool
    zoneless: bool
    label_delay: str
    goal: Goal
    target: str
    columns: tuple[Column, ...]
    renamed: dict[str, str]
    separator: str = ","
    time_format: str | None = None
    time_whole: bool = False
    numbers: dict[str, Writing] = {}
    rows: int = 0
    test_share: float = 0.2
    seed: int = 0
    dropped: tuple[str, ...] = ()
    rule: Halves | None = None

    @property
    def used(self) -> tuple[Column, ...]:
        """Columns that features are drafted from."""
        return tuple(c for c in self.columns if c.use != "left_out")


def plain(text: str) -> str:
    """Make a text safe inside double quotes, as a person would."""
    return text.replace("\\", " ").replace('"', "'").replace("\n", " ")


def quoted(text: object) -> str:
    """Write a text as Python with double quotes, as the formatter would."""
    return msgspec.json.encode(str(text)).decode()


def tupled(texts: Sequence[str]) -> str:
    """Write texts as a tuple in Python."""
    return "(" + ", ".join(quoted(t) for t in texts) + ")"
