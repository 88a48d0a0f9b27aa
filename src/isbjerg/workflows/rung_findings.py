"""What is worth knowing of the rungs themselves: what cannot be released, where a search ended."""

from __future__ import annotations

from collections.abc import Mapping

from isbjerg.evaluation.ladder import Ladder
from isbjerg.findings import Finding
from isbjerg.workflows.fitting import FittedRung


def rung_findings(rungs: Mapping[str, FittedRung], ladder: Ladder) -> tuple[Finding, ...]:
    """List the findings of all rungs, the simplest first.

    Returns
    -------
    tuple of Finding
        ``rung.evaluated_only`` for each rung that no bundle can carry, ``search.border`` for each
        parameter whose best value lies at an end of what was searched.
    """
    found: list[Finding] = []
    for rung in rungs.values():
        if rung.evaluated_only is not None:
            found.append(_evaluated_only(rung, ladder))
        if rung.searched is not None:
            found += rung.searched.findings
    return tuple(found)


def reasons(rungs: Mapping[str, FittedRung]) -> dict[str, str]:
    """Say of each rung that is evaluated only why it is."""
    return {
        name: rung.evaluated_only.why
        for name, rung in rungs.items()
        if rung.evaluated_only is not None
    }


def _evaluated_only(rung: FittedRung, ladder: Ladder) -> Finding:
    only, step = rung.evaluated_only, ladder.row(rung.name).step
    why, mend = (only.why, only.mend) if only is not None else ("", "")
    better = step is not None and step.better
    offered = f"It is better, but cannot be released: {why}. {ladder.chosen} is chosen."
    message = offered if better else f"It cannot be released, nor is it better: {why}."
    return Finding(
        code="rung.evaluated_only",
        subject=rung.name,
        severity="warning" if better else "info",
        message=message,
        mend=mend,
        evidence={"better": better, "chosen": ladder.chosen},
    )
