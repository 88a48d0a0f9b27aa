"""Findings: what a contract, a check or a gate has to say about data, as values.

Bad data is not an exception. It is a finding with a code, a severity, a subject, the
evidence and a mend, and a check that ran says apart whether it *passed*, *failed*, was *not
applicable* or was *not run*.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

Outcome = Literal["passed", "failed", "not_applicable", "not_run"]
Severity = Literal["info", "warning", "error", "blocking"]


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing a check saw.

    Parameters
    ----------
    code : str
        Stable name of the check, such as ``contract.range`` or ``gate.guardrail``.
    subject : str
        What it is about: ``flights.dep_delay``, ``boosted``.
    outcome : {"passed", "failed", "not_applicable", "not_run"}
        What became of the check; *not run* is never shown as *passed*.
    severity : {"info", "warning", "error", "blocking"}
        How much a failure matters; a gate lets nothing *blocking* through.
    message : str
        One sentence with the numbers in it.
    mend : str
        One thing to do about it, or empty.
    evidence : dict
        The numbers, JSON-able; never a personal value.

    Examples
    --------
    >>> late = Finding(
    ...     code="contract.range",
    ...     subject="flights.distance",
    ...     outcome="failed",
    ...     severity="error",
    ...     message="3 rows below 0.",
    ... )
    >>> late.failed
    True
    """

    code: str
    subject: str
    outcome: Outcome = "failed"
    severity: Severity = "warning"
    message: str = ""
    mend: str = ""
    evidence: dict[str, Any] = msgspec.field(default_factory=dict)

    @property
    def failed(self) -> bool:
        """Whether the check ran and did not hold."""
        return self.outcome == "failed"

    @property
    def blocks(self) -> bool:
        """Whether a gate must stop at this finding."""
        return self.failed and self.severity == "blocking"
