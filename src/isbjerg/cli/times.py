"""Times as the command line takes them."""

from __future__ import annotations

from isbjerg.errors import ArgumentError
from isbjerg.times import parse_instant


def check_time(verb: str, text: str | None) -> None:
    """Refuse what is no time in the words of the command, before anything is loaded."""
    if text is None:
        return
    try:
        parse_instant(text)
    except (ArgumentError, OverflowError):
        raise ArgumentError(
            f"`--as-of` must be a date or a time as ISO 8601 writes it. Got '{text}'.",
            mend=f"isbjerg {verb} --as-of 2013-06-01",
            got=text,
        ) from None
