"""How far a table has been read: the highest value seen of a column that grows with each change.

The value is kept with the data version, as text beside its kind, and given back to the database
as it was got. Nothing heavy is imported: the catalog reads these values.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

import msgspec

from isbjerg.errors import SourceError

Kind = Literal["integer", "float", "decimal", "text", "instant", "local", "day"]


class Watermark(msgspec.Struct, frozen=True, kw_only=True):
    """The highest value seen of a column, in a form that can be kept.

    Parameters
    ----------
    column : str
        Of the source.
    kind : str
        What the value is.
    value : str
        The value as text; `of_value` and `python_value` go both ways without loss.
    """

    column: str
    kind: Kind
    value: str

    @classmethod
    def of_value(cls, column: str, value: Any) -> Watermark:
        """Keep a value as a database gave it.

        Raises
        ------
        SourceError
            When values of its kind have no order that grows: choose another column.

        Examples
        --------
        >>> kept = Watermark.of_value("updated_at", datetime(2024, 1, 1, 12))
        >>> kept.kind, kept.value, kept.python_value()
        ('local', '2024-01-01T12:00:00', datetime.datetime(2024, 1, 1, 12, 0))
        """
        kind = _kind(value)
        if kind is None:
            raise no_watermark(column, f"its values are of type {type(value).__name__}")
        if isinstance(value, date):  # an instant is a date too
            return cls(column=column, kind=kind, value=value.isoformat())
        text = repr(value) if isinstance(value, float) else str(value)
        return cls(column=column, kind=kind, value=text)

    def python_value(self) -> Any:
        """Return the value as the database gave it."""
        if self.kind in {"instant", "local"}:
            return datetime.fromisoformat(self.value)
        if self.kind == "day":
            return date.fromisoformat(self.value)
        kinds: dict[str, type] = {"integer": int, "float": float, "decimal": Decimal, "text": str}
        return kinds[self.kind](self.value)


def _kind(value: Any) -> Kind | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, datetime):
        return "local" if value.tzinfo is None else "instant"
    kinds: tuple[tuple[type, Kind], ...] = (
        (date, "day"),
        (int, "integer"),
        (float, "float"),
        (Decimal, "decimal"),
        (str, "text"),
    )
    return next((kind for type_, kind in kinds if isinstance(value, type_)), None)


def highest(column: str, values: Iterable[Any], before: Any = None) -> Any:
    """Return the highest of `values` and of `before`; missing values have no place in the order.

    Raises
    ------
    SourceError
        When values of several kinds stand in the column, so that none is the highest.
    """
    present = [value for value in values if value is not None]
    if before is not None:
        present.append(before)
    try:
        return max(present, default=None)
    except TypeError as fault:
        raise no_watermark(column, "it holds values of several kinds") from fault


def no_watermark(column: str, why: str) -> SourceError:
    """Build the error for a column that cannot tell how far a table was read."""
    return SourceError(
        f"The column '{column}' cannot be a watermark: {why}.",
        code="ISB308",
        mend="name a column of numbers or times that grows with each change, or leave `watermark` out",
        column=column,
    )
