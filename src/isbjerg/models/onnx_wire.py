"""The wire format of protocol buffers, read without trust and without a library.

An ONNX model is one protobuf message. What must be known of it before a runtime may see it
(`isbjerg.models.onnx_check`) is little, and a server should not need a second parser of the size
of a model library for that. Only the wire format is known here: numbered fields, four wire types,
lengths. Nothing is copied and nothing recurses.
"""

from __future__ import annotations

from collections.abc import Iterator

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
"""The wire types that exist; groups (3, 4) left the format long ago and are refused."""

_VARINT_BYTES_MAX = 10


def fields(message: memoryview) -> Iterator[tuple[int, int, int | memoryview]]:
    r"""Walk the fields of one message.

    Parameters
    ----------
    message : memoryview
        The bytes of the message alone.

    Yields
    ------
    tuple of (int, int, int or memoryview)
        Number, wire type, and the value: a number for a varint, bytes for everything else.

    Raises
    ------
    ValueError
        When the bytes are no such message.

    Examples
    --------
    >>> [
    ...     (n, bytes(v) if w == BYTES else v)
    ...     for n, w, v in fields(memoryview(b"\x08\x07\x12\x02hi"))
    ... ]
    [(1, 7), (2, b'hi')]
    """
    place, end = 0, len(message)
    while place < end:
        tag, place = _varint(message, place)
        number, wire = tag >> 3, tag & 7
        if wire == VARINT:
            value, place = _varint(message, place)
            yield number, wire, value
            continue
        if wire == BYTES:
            size, place = _varint(message, place)
        elif wire in (FIXED64, FIXED32):
            size = 8 if wire == FIXED64 else 4
        else:
            raise ValueError(f"wire type {wire} at byte {place}")
        if size > end - place:
            raise ValueError(f"a field of {size} bytes at byte {place} of {end}")
        yield number, wire, message[place : place + size]
        place += size


def integers(wire: int, value: int | memoryview) -> list[int]:
    r"""Read one element of a repeated integer field, which may be packed.

    Examples
    --------
    >>> integers(VARINT, 5), integers(BYTES, memoryview(b"\x01\x02"))
    ([5], [1, 2])
    """
    if wire == VARINT and isinstance(value, int):
        return [signed(value)]
    if not isinstance(value, memoryview) or wire != BYTES:
        raise ValueError(f"wire type {wire} for whole numbers")
    found, place = [], 0
    while place < len(value):
        number, place = _varint(value, place)
        found.append(signed(number))
    return found


def signed(number: int) -> int:
    """Read a varint as a whole number of 64 bits with a sign."""
    return number - (1 << 64) if number >= 1 << 63 else number


def _varint(message: memoryview, place: int) -> tuple[int, int]:
    number = shift = 0
    for count in range(_VARINT_BYTES_MAX):
        if place + count >= len(message):
            raise ValueError(f"a number is cut off at byte {place}")
        byte = message[place + count]
        number |= (byte & 0x7F) << shift
        if byte < 0x80:  # noqa: PLR2004 - the bit that says that more follow
            return number & 0xFFFFFFFFFFFFFFFF, place + count + 1
        shift += 7
    raise ValueError(f"a number of more than {_VARINT_BYTES_MAX} bytes at byte {place}")
