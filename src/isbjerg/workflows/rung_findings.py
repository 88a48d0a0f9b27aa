"""What is worth knowing of the rungs themselves: what cannot be released, where a search ended."""

from __future__ import annotations

from collections.abc import Mapping

from isbjerg.evaluation.ladder import Ladder
from isbjerg.findings import Finding
from isbjerg.models.fitted import EvaluatedOnly
from isbjerg.workflows.fitting import FittedRung


def rung_findings(rungs: Mapping[str, FittedRung], ladder: Ladder) -> tuple[Finding, ...]:
    """List the findings of all rungs, the simplest first.

    Returns
    -------
    tuple of Finding
        ``rung.evaluated_only`` for each rung that is better and that no bundle can carry (one that
        is not better has its reason in the ladder), ``search.border`` for each parameter whose best
        value lies at an end of what was searched.
    """
    found: list[Finding] = []
    for rung in rungs.values():
        step = ladder.row(rung.name).step
        if rung.evaluated_only is not None and step is not None and step.better:
            found.append(_evaluated_only(rung.name, rung.evaluated_only, ladder.chosen))
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


def _evaluated_only(rung: str, only: EvaluatedOnly, chosen: str) -> Finding:
    return Finding(
        code="rung.evaluated_only",
        subject=rung,
        severity="warning",
        message=f"It is better, but cannot be released: {only.why}. {chosen} is chosen.",
        mend=only.mend,
        evidence={"chosen": chosen},
    )
