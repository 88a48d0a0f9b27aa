"""Sizes as people write them: ``4 GB``."""

from __future__ import annotations

import re

MEMORY_MIN_BYTES = 256 * 2**20
"""Less memory is no budget: Python and the table library alone take a good part of it."""

_UNITS = {"MB": 10**6, "GB": 10**9, "TB": 10**12, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}
_SIZE = re.compile(r"(\d+(?:\.\d+)?) ?(MB|GB|TB|MiB|GiB|TiB)")


def parse_size(text: str) -> int:
    """Read a size in bytes.

    Raises
    ------
    ValueError
        When it is not a number and a unit.

    Examples
    --------
    >>> parse_size("4 GB"), parse_size("512MiB")
    (4000000000, 536870912)
    """
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        raise ValueError(text)
    return int(float(found[1]) * _UNITS[found[2]])
