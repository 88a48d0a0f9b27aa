"""The one form of a watch's findings."""

from __future__ import annotations

from typing import Any

import msgspec

from isbjerg.findings import Finding, Outcome, Severity

PROBABILITY = 0.01
"""Below it, adjusted for how many were looked at, a difference is not taken for chance."""

LIVE = "live"
"""Subject of what is said of the live model: an alarm about one closes when its successor is well."""


def found(
    code: str,
    subject: str,
    outcome: Outcome,
    message: str,
    *,
    severity: Severity = "warning",
    mend: str = "",
    **evidence: Any,
) -> Finding:
    """Make a finding; a mend is only said of what failed or was not run."""
    return Finding(
        code=f"watch.{code}",
        subject=subject,
        outcome=outcome,
        severity=severity if outcome == "failed" else "info",
        message=message,
        mend=mend if outcome in ("failed", "not_run") else "",
        evidence={name: msgspec.to_builtins(value) for name, value in evidence.items()},
    )
