"""Numbers that are written as people write them: 1.234,5 or 1,234.5 or 12 %.

Whoever reads ``1,234`` cannot know whether it is a thousand or one and a bit. So a column is read
only when some of its texts allow one reading alone; otherwise it stays text, and that is said.
"""

from __future__ import annotations

from typing import Literal

import polars as pl

Writing = Literal["decimal_comma", "thousands", "percent"]

_DECIMAL_COMMA = r"^[+-]?([0-9]+|[0-9]{1,3}([.][0-9]{3})+)(,[0-9]+)?$"
_THOUSANDS = r"^[+-]?([0-9]+|[0-9]{1,3}(,[0-9]{3})+)([.][0-9]+)?$"
_PERCENT = r"^[+-]?[0-9]+([.][0-9]+)? ?%$"
_EITHER = r"^[+-]?([0-9]+|[1-9][0-9]{0,2},[0-9]{3})$"


def writing(column: pl.Series, *, separator: str) -> Writing | Literal["unclear"] | None:
    """Say how the numbers of a column of texts are written.

    Parameters
    ----------
    column : polars.Series
        Of texts; of anything else there is nothing to say.
    separator : str
        What parts the values of the file: where that is a semicolon, commas are decimal.

    Returns
    -------
    str or None
        ``unclear`` when its commas can be read in two ways; ``None`` when they are no numbers.

    Examples
    --------
    >>> [writing(pl.Series([t]), separator=",") for t in ("1.234,5", "1,234.5", "1,234", "12 %")]
    ['decimal_comma', 'thousands', 'unclear', 'percent']
    """
    if column.dtype != pl.String or column.null_count() == column.len():
        return None
    texts = column.drop_nulls()
    if _all(texts, _PERCENT):
        return "percent"
    if not texts.str.contains(",").any():
        return None
    if _all(texts, _EITHER) and separator != ";":
        return "unclear"
    if _all(texts, _DECIMAL_COMMA):
        return "decimal_comma"
    return "thousands" if _all(texts, _THOUSANDS) else None


def to_number(column: pl.Expr, how: Writing) -> pl.Expr:
    """Read texts as numbers; ``sources.py`` gets the same words."""
    match how:
        case "decimal_comma":
            plain = column.str.replace_all(".", "", literal=True)
            return plain.str.replace(",", ".", literal=True).cast(pl.Float64)
        case "thousands":
            return column.str.replace_all(",", "", literal=True).cast(pl.Float64)
        case "percent":
            return column.str.replace_all(r"[ %]", "").cast(pl.Float64)


SAYS: dict[Writing, tuple[str, tuple[str, ...]]] = {
    "decimal_comma": (
        "Numbers with a decimal comma: 1.234,5 is 1234.5.",
        (
            'plain = pl.col(columns).str.replace_all(".", "", literal=True)',
            'number = plain.str.replace(",", ".", literal=True).cast(pl.Float64)',
        ),
    ),
    "thousands": (
        "Numbers with a comma between thousands: 1,234.5 is 1234.5.",
        ('number = pl.col(columns).str.replace_all(",", "", literal=True).cast(pl.Float64)',),
    ),
    "percent": (
        "Percentages: 12.5 % is 12.5.",
        ('number = pl.col(columns).str.replace_all(r"[ %]", "").cast(pl.Float64)',),
    ),
}
"""For each writing a comment and the lines of ``sources.py`` that read it."""


def _all(texts: pl.Series, pattern: str) -> bool:
    return bool(texts.str.contains(pattern).all())
