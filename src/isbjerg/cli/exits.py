"""Exit codes: what a schedule or a script learns from a verb without reading a word.

0 and 3 are both answers to a question that was asked well; 1, 2 and 4 say that there was no
answer, and who has to act.
"""

from __future__ import annotations

DONE = 0
WRONG = 1
MISUSE = 2
REFUSED = 3
BUSY = 4
INTERRUPTED = 130

EXITS: dict[int, str] = {
    DONE: "done",
    WRONG: "the project, its data, a model or the store is wrong",
    MISUSE: "the command is wrong",
    REFUSED: "a gate says no",
    BUSY: "another command holds the store: try again",
    INTERRUPTED: "interrupted with Ctrl-C",
}
"""What each exit code says."""

BUSY_CODES = frozenset({"ISB603", "ISB605", "ISB611", "ISB718"})
"""Codes of errors that go away by waiting: a write that waited, a lease, a worker, a port in use."""

PROJECT_CODES = frozenset({"ISB406", "ISB407"})
"""Codes of wrong arguments that stand in the project's files, not in the command."""


def exit_of(error: BaseException) -> int:
    """Choose the exit code of an error.

    Examples
    --------
    >>> from isbjerg.errors import ArgumentError, FrameError, ReleaseError, StoreError
    >>> [exit_of(kind("no")) for kind in (FrameError, ArgumentError, ReleaseError)]
    [1, 2, 3]
    >>> exit_of(StoreError("A run holds the store.", code="ISB605"))
    4

    A feature with an ``if`` is a fault of the project, not of the command:

    >>> from isbjerg.errors import TracingError
    >>> exit_of(TracingError("no"))
    1
    """
    from isbjerg.errors import (  # noqa: PLC0415 - help needs no errors
        IsbjergError,
        MisuseError,
        ReleaseError,
        TracingError,
        TypingError,
    )

    match error:
        case IsbjergError() if error.kind_code in BUSY_CODES:
            return BUSY
        case IsbjergError() if error.kind_code in PROJECT_CODES:
            return WRONG
        case TracingError() | TypingError():
            return WRONG
        case MisuseError():
            return MISUSE
        case ReleaseError():
            return REFUSED
        case _:
            return WRONG
