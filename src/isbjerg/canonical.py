"""One way to turn a value into bytes and bytes into a name.

Everything stored by content (definitions, bundles, frames, parts) is named by SHA-256 of
*canonical JSON*: keys sorted, no white space, UTF-8, floats in Python's shortest form, no
NaN and no infinity. Two values with the same canonical JSON are the same thing.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import msgspec

from isbjerg.errors import ArgumentError


def canonical_json(value: Any) -> bytes:
    """Write `value` as canonical JSON.

    Parameters
    ----------
    value : Any
        Built-in values and msgspec structures; no NaN, no infinity.

    Returns
    -------
    bytes
        UTF-8, keys sorted, no white space.

    Raises
    ------
    ArgumentError
        When a float is not finite: replace it by ``None``.

    Examples
    --------
    >>> canonical_json({"b": 1, "a": [True, None, 0.1]})
    b'{"a":[true,null,0.1],"b":1}'
    """
    plain = msgspec.to_builtins(value)
    try:
        text = json.dumps(
            plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
        )
    except ValueError as fault:
        raise ArgumentError(
            f"`value` of `canonical_json` must hold finite numbers only: {fault}."
        ) from fault
    return text.encode()


def sha256(content: bytes) -> str:
    """Name `content` by its SHA-256, as 64 hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def content_hash(value: Any) -> str:
    """Name a value by the SHA-256 of its canonical JSON.

    Examples
    --------
    >>> content_hash({"a": 1, "b": 2}) == content_hash({"b": 2, "a": 1})
    True
    """
    return sha256(canonical_json(value))


def file_sha256(path: Path) -> str:
    """Name a file by the SHA-256 of its bytes, read in blocks."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
