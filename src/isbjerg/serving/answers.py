"""What a caller is told: an answer, or a refusal with code, sentence and mend.

A refusal never repeats a value that the caller sent: values may be personal, and answers end
up in logs. It names columns and types.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec


class Answer(NamedTuple):
    """A status and the JSON that goes with it."""

    status: int
    body: bytes


class Refusal(Exception):  # noqa: N818 - it is an answer, not a fault of the server
    """End the handling of a request with an answer that says why.

    Parameters
    ----------
    status : int
        The HTTP status.
    code : str
        A code with a page: ``isbjerg explain ISB707``.
    message : str
        What was asked and what was found.
    mend : str, optional
        What to do about it.
    field : str, optional
        The column, or the place in the body, that it is about.
    """

    def __init__(
        self, status: int, code: str, message: str, *, mend: str = "", field: str | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.mend = mend
        self.field = field

    def answer(self) -> Answer:
        """Write it as the caller gets it."""
        error: dict[str, Any] = {"code": self.code, "message": self.message, "mend": self.mend}
        if self.field is not None:
            error["field"] = self.field
        return Answer(self.status, encode({"error": error}))


_ENCODER = msgspec.json.Encoder()
encode = _ENCODER.encode


def ok(value: Any) -> Answer:
    """Answer with a value.

    Examples
    --------
    >>> ok({"status": "serving"})
    Answer(status=200, body=b'{"status":"serving"}')
    """
    return Answer(200, encode(value))


def malformed(fault: Exception) -> Refusal:
    """Refuse a body that is no JSON or not of the right shape; the decoder names no values."""
    if isinstance(fault, RecursionError):
        said = "it nests too deep"
    elif isinstance(fault, msgspec.MsgspecError):
        said = str(fault)
    else:
        said = "it is no JSON in UTF-8"
    return Refusal(
        400,
        "ISB702",
        f"The body cannot be read: {said}.",
        mend='{"inputs": {"column": value, ...}} or {"rows": [{"column": value, ...}, ...]}',
    )


def replay_not_allowed() -> Refusal:
    """Refuse a time given by the caller."""
    return Refusal(
        403,
        "ISB710",
        "The request says at which time it wants to be answered; this server answers now.",
        mend="leave out 'at', or start the server with --allow-replay",
        field="at",
    )
