"""An error as a person reads it: no traceback, wrapped to the terminal, the mend untouched."""

from __future__ import annotations

import os
import textwrap
from pathlib import Path

from isbjerg.cli.parser import help_width
from isbjerg.errors import IsbjergError
from isbjerg.storage.refusals import store_error


def told(error: Exception, width: int | None = None) -> str:
    """Write an error for stderr.

    Sentences are wrapped. Indented lines and the mend are there to be pasted and stay as
    they are.

    Parameters
    ----------
    error : Exception
        One of isbjerg's own, or anything that was not foreseen.
    width : int, optional
        Columns to wrap to; the terminal's when not given.

    Examples
    --------
    >>> print(told(IsbjergError("Nothing is live yet.", mend="isbjerg promote"), width=40))
    Nothing is live yet.
    <BLANKLINE>
    Mend: isbjerg promote
    More: isbjerg explain ISB000
    """
    columns = width or help_width()
    return "\n".join(_wrapped(line, columns) for line in _text_of(error).splitlines())


def _text_of(error: Exception) -> str:
    if isinstance(error, IsbjergError):
        return str(error)
    if isinstance(error, OSError) and error.filename:
        return str(store_error(error, Path(os.fsdecode(error.filename))))
    return (
        f"isbjerg met what it did not foresee: {type(error).__name__}: {error}\n\n"
        "Mend: add --traceback to the command and report what it prints"
    )


def _wrapped(line: str, width: int) -> str:
    if line[:1].isspace() or line.startswith(("Mend: ", "More: ")):
        return line
    return textwrap.fill(line, width, break_long_words=False, break_on_hyphens=False)
