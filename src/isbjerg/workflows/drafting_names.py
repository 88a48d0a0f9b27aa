"""Give columns names that Python and isbjerg can use."""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections.abc import Sequence

_PACKAGE = "ib"
"""What every file of a project calls this package."""

_UMLAUTS = {letter: unicodedata.normalize("NFD", letter)[0] + "e" for letter in "äöüÄÖÜ"}
_LETTERS = str.maketrans(
    {"æ": "ae", "ø": "oe", "å": "aa", "Æ": "Ae", "Ø": "Oe", "Å": "Aa", "ß": "ss", **_UMLAUTS}
)


def identifiers(columns: Sequence[str]) -> dict[str, str]:
    """Map each column to a name that Python and isbjerg can use; most map to themselves.

    Examples
    --------
    >>> identifiers(["age", "Monthly charge (EUR)", "class", "age_", "_row"])
    {'age': 'age', 'Monthly charge (EUR)': 'monthly_charge_eur', 'class': 'class_', 'age_': 'age_', '_row': 'row'}
    """
    taken = {c for c in columns if _is_usable(c)}
    names: dict[str, str] = {}
    for column in columns:
        name = column
        if not _is_usable(column):
            name = (
                re.sub(r"\W+", "_", written_in_ascii(column), flags=re.ASCII).strip("_").lower()
                or "column"
            )
            name = f"column_{name}" if name[0].isdigit() else name
            name = f"{name}_" if keyword.iskeyword(name) or name == _PACKAGE else name
            stem, number = name, 2
            while name in taken:
                name, number = f"{stem}_{number}", number + 1
        taken.add(name)
        names[column] = name
    return names


def written_in_ascii(name: str) -> str:
    """Write letters outside ASCII by those that stand for them: ``Måned`` as ``Maaned``."""
    plain = unicodedata.normalize("NFKD", name.translate(_LETTERS))
    return "".join(letter for letter in plain if not unicodedata.combining(letter))


def _is_usable(column: str) -> bool:
    return (
        column.isidentifier()
        and column.isascii()
        and not keyword.iskeyword(column)
        and column != _PACKAGE
        and not column.startswith("_")
    )
