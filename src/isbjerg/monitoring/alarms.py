"""Which findings open an alarm, keep one open, or close one.

An alarm is about one thing: a code and a subject. While the thing lasts it is counted, not
repeated. It closes when the same question is answered well, or by a person who says why; a
question that was not asked leaves it as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from isbjerg.findings import Finding

Thing = tuple[str, str]
"""Code and subject."""


class Moves(msgspec.Struct, frozen=True):
    """What becomes of alarms after a watch.

    Parameters
    ----------
    opened : tuple of Finding
        Failures with no open alarm.
    lasting : tuple of Finding
        Failures whose alarm is open already.
    closed : tuple of Finding
        Answers that close an open alarm.
    """

    opened: tuple[Finding, ...]
    lasting: tuple[Finding, ...]
    closed: tuple[Finding, ...]


def moves(findings: Sequence[Finding], still_open: Iterable[Thing]) -> Moves:
    """Say what a watch's findings do to the alarms that are open.

    Examples
    --------
    >>> gone = Finding(code="watch.missing", subject="flights.dest", severity="error")
    >>> fine = Finding(code="watch.volume", subject="predictions", outcome="passed")
    >>> what = moves([gone, fine], [("watch.volume", "predictions"), ("watch.scores", "v1")])
    >>> [f.subject for f in what.opened], [f.subject for f in what.closed]
    (['flights.dest'], ['predictions'])
    """
    known = set(still_open)
    alarming = [f for f in findings if alarms(f)]
    return Moves(
        opened=tuple(f for f in alarming if (f.code, f.subject) not in known),
        lasting=tuple(f for f in alarming if (f.code, f.subject) in known),
        closed=tuple(f for f in findings if _settles(f) and (f.code, f.subject) in known),
    )


def alarms(finding: Finding) -> bool:
    """Say whether a finding is worth waking somebody: it failed, and is more than a note."""
    return finding.failed and finding.severity != "info"


def _settles(finding: Finding) -> bool:
    return finding.outcome == "passed" or (finding.failed and not alarms(finding))
