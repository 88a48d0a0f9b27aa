"""The gate: evidence in, an immutable verdict out.

A model may go live when every blocking check *passed* or did not apply. A check that was not
run is not a check that passed, so it stops the model as well, and says what to run. The gate
measures nothing itself: what it is given is what the verdict keeps.
"""

from __future__ import annotations

from typing import Any

import msgspec

from isbjerg.canonical import content_hash
from isbjerg.evaluation.comparison import Comparison
from isbjerg.evaluation.metrics import Measured
from isbjerg.findings import Finding, Outcome, Severity
from isbjerg.frame.frame import Guardrail

VERDICT_VERSION = 1


class Parity(msgspec.Struct, frozen=True, omit_defaults=True):
    """How many rows were scored both singly and as a table, and how many differed.

    Parameters
    ----------
    rows, differing : int
        The numbers.
    within : str
        What was allowed; empty when every bit had to be the same.
    """

    rows: int
    differing: int
    within: str = ""


class Carried(msgspec.Struct, frozen=True):
    """How a model's own scores compare with those of the form in which it is released.

    Parameters
    ----------
    rows, differing : int
        Rows scored both ways, and how many differed by more than is allowed.
    sentence : str
        The same in words, with what is allowed.
    """

    rows: int
    differing: int
    sentence: str


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """What is known about a candidate when it is judged.

    Parameters
    ----------
    candidate : str
        Its rung.
    primary : str
        The metric that decides.
    metrics : dict of str to Measured
        On the test part.
    baseline : Comparison or None
        Against the constant on the primary metric; ``None`` when it was not compared.
    baseline_itself : bool
        Whether the candidate *is* the constant, so that there is nothing to beat.
    live : Comparison or None
        Against the live model on the same rows.
    something_live : bool
        Whether any model is live; with `live` missing it could not be scored.
    live_differs : str
        Why the live model's numbers mean something else, such as another target; empty when
        they can be compared.
    live_fault : str
        Why the live model cannot be loaded any more; empty when it can.
    parity : Parity or None
        Single rows against tables.
    carried : Carried or None
        For a model that was fitted in one form and is released in another.
    contract : tuple of Finding or None
        What the contract found in the data; ``None`` when it was not checked.
    leakage : tuple of Finding or None
        What `isbjerg.evaluation.leakage` found.
    """

    candidate: str
    primary: str
    metrics: dict[str, Measured]
    baseline: Comparison | None = None
    baseline_itself: bool = False
    live: Comparison | None = None
    something_live: bool = False
    live_differs: str = ""
    live_fault: str = ""
    parity: Parity | None = None
    carried: Carried | None = None
    contract: tuple[Finding, ...] | None = None
    leakage: tuple[Finding, ...] | None = None


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """What the frame asks of a candidate.

    Parameters
    ----------
    guardrails : tuple of Guardrail
        Bounds on metrics; they hold for the value, the interval is shown beside it.
    margin : float
        By how much of the primary metric it may be worse than the live model.
    rows_min : int
        Test rows below which nothing is concluded.
    broken_share_max : float
        Share of rows that may break one rule of the contract: more is a changed definition,
        not a few bad rows, and what is left is not what the model will meet.
    """

    guardrails: tuple[Guardrail, ...] = ()
    margin: float = 0.0
    rows_min: int = 100
    broken_share_max: float = 0.1


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What the gate decided, with its reasons; never changed, required by release.

    Parameters
    ----------
    format_version : int
        `VERDICT_VERSION` when it was written.
    candidate : str
        What was judged.
    passed : bool
        Whether it may go live.
    findings : tuple of Finding
        Each check, with its outcome and its evidence.
    sentence : str
        The whole in one sentence.
    """

    format_version: int
    candidate: str
    passed: bool
    findings: tuple[Finding, ...]
    sentence: str

    @property
    def id(self) -> str:
        """Name of the verdict: SHA-256 of its canonical JSON."""
        return content_hash(self)


def judge(evidence: Evidence, policy: Policy) -> Verdict:
    """Decide whether a candidate may go live.

    Parameters
    ----------
    evidence : Evidence
        What is known about it.
    policy : Policy
        What the frame asks.

    Returns
    -------
    Verdict
        The same for the same evidence and policy.

    Examples
    --------
    >>> brier = Measured("brier", 0.15, 0.14, 0.16, n=1000, blocks=30)
    >>> verdict = judge(
    ...     Evidence(candidate="schedule", primary="brier", metrics={"brier": brier}),
    ...     Policy(guardrails=(Guardrail("brier", "<=", 0.14),)),
    ... )
    >>> verdict.passed
    False
    >>> print(verdict.sentence)
    schedule may not go live. brier 0.150 (0.140 to 0.160); brier <= 0.14 is asked for.
    Not run: gate.beats_baseline, gate.parity, gate.contract, gate.leakage.
    """
    findings = (
        _enough_rows(evidence, policy),
        _beats_baseline(evidence),
        *(_guardrail(evidence, rail) for rail in policy.guardrails),
        _not_worse_than_live(evidence, policy),
        _parity(evidence),
        *_carriable(evidence),
        _listed(evidence, "gate.contract", _weighed(evidence, policy), "isbjerg ingest"),
        _listed(evidence, "gate.leakage", evidence.leakage, "isbjerg run"),
    )
    stops = [f for f in findings if f.outcome in ("failed", "not_run") and f.severity == "blocking"]
    return Verdict(
        format_version=VERDICT_VERSION,
        candidate=evidence.candidate,
        passed=not stops,
        findings=findings,
        sentence=_sentence(evidence, stops, findings),
    )


def _sentence(evidence: Evidence, stops: list[Finding], findings: tuple[Finding, ...]) -> str:
    name = evidence.candidate
    if not stops:
        ran = sum(f.outcome == "passed" for f in findings)
        aside = sum(f.outcome == "not_applicable" for f in findings)
        measured = evidence.metrics.get(evidence.primary)
        return f"{name} may go live: {ran} checks passed, {aside} not applicable; {measured}."
    failed = [f.message for f in stops if f.outcome == "failed"]
    unseen = [f.code for f in stops if f.outcome == "not_run"]
    told = [*failed, *([f"Not run: {', '.join(unseen)}."] if unseen else [])]
    return f"{name} may not go live. {' '.join(told)}"


def _finding(
    evidence: Evidence,
    code: str,
    outcome: Outcome,
    message: str,
    *,
    severity: Severity = "blocking",
    mend: str = "",
    **facts: Any,
) -> Finding:
    return Finding(
        code=code,
        subject=evidence.candidate,
        outcome=outcome,
        severity=severity,
        message=message,
        mend="" if outcome in ("passed", "not_applicable") else mend,
        evidence={name: msgspec.to_builtins(fact) for name, fact in facts.items()},
    )


def _enough_rows(evidence: Evidence, policy: Policy) -> Finding:
    measured = evidence.metrics.get(evidence.primary)
    rows = measured.n if measured else 0
    times = f" {-(-10 * policy.rows_min // rows) / 10} times" if rows else " more than"
    return _finding(
        evidence,
        "gate.enough_rows",
        "passed" if rows >= policy.rows_min else "failed",
        f"{rows:,} test rows, at least {policy.rows_min:,} are asked for.",
        mend=f"wait for more outcomes, or let `test` of [split] in frame.toml be{times} what it is",
        rows=rows,
        rows_min=policy.rows_min,
    )


def _beats_baseline(evidence: Evidence) -> Finding:
    code = "gate.beats_baseline"
    mend = "add features, or release a lower rung"
    if evidence.baseline_itself:
        return _finding(
            evidence, code, "failed", "It is the baseline: it beats nothing.", mend=mend
        )
    if evidence.baseline is None:
        return _finding(
            evidence, code, "not_run", "It was not compared with the constant.", mend="isbjerg run"
        )
    outcome: Outcome = "passed" if evidence.baseline.better else "failed"
    comparison = evidence.baseline
    return _finding(evidence, code, outcome, comparison.sentence, mend=mend, comparison=comparison)


def _guardrail(evidence: Evidence, rail: Guardrail) -> Finding:
    code = f"gate.guardrail.{rail.metric}"
    measured = evidence.metrics.get(rail.metric)
    if measured is None or measured.value is None:
        return _finding(
            evidence,
            code,
            "not_run",
            f"{rail.metric} was not measured, {rail} is asked for.",
            mend="isbjerg run",
            bound=str(rail),
        )
    return _finding(
        evidence,
        code,
        "passed" if rail.holds(measured.value) else "failed",
        f"{measured}; {rail} is asked for.",
        mend="improve the model, or argue for another guardrail in frame.toml",
        bound=str(rail),
        measured=measured,
    )


def _not_worse_than_live(evidence: Evidence, policy: Policy) -> Finding:
    """Stop what is shown to be worse than the live model by more than the margin.

    Asking for proof that it is no worse would stop about every second retrained model that is
    exactly as good. Without an interval the difference itself is asked.
    """
    code = "gate.not_worse_than_live"
    if not evidence.something_live:
        return _finding(evidence, code, "not_applicable", "Nothing is live yet.")
    if evidence.live_differs:
        return _finding(evidence, code, "not_applicable", evidence.live_differs)
    found = evidence.live
    if found is None or found.difference is None:
        return _finding(
            evidence,
            code,
            "not_run",
            f"The live model could not be scored on the test rows. {evidence.live_fault}".rstrip(),
            mend="keep what is live as it is and write the new one beside it, or roll back first"
            if evidence.live_fault
            else "make the live model's columns available again, or roll back first",
        )
    highest = found.difference if found.high is None else found.high
    passes = highest >= -policy.margin
    return _finding(
        evidence,
        code,
        "passed" if passes else "failed",
        _beside_live(found, policy.margin, passes=passes),
        mend="keep the live model, or allow a margin: [release] in frame.toml",
        comparison=found,
        margin=policy.margin,
    )


def _beside_live(found: Comparison, margin: float, *, passes: bool) -> str:
    bounds = "" if found.low is None else f" ({found.low:.3f} to {found.high:.3f})"
    verb = "is not shown to be worse than" if passes else "is worse than"
    allowed = f" by more than the margin of {margin:g}" if margin else ""
    return (
        f"{found.name} {verb} {found.against}{allowed}: "
        f"difference in {found.metric.replace('_', ' ')} {found.difference:.3f}{bounds}."
    )


def _parity(evidence: Evidence) -> Finding:
    found = evidence.parity
    if found is None or not found.rows:
        return _finding(
            evidence,
            "gate.parity",
            "not_run",
            "No row was scored both singly and as a table.",
            mend="isbjerg run",
        )
    return _finding(
        evidence,
        "gate.parity",
        "failed" if found.differing else "passed",
        f"{found.differing:,} of {found.rows:,} rows score otherwise singly than as a table"
        + (f" by more than {found.within}." if found.within else "."),
        mend="report this with the bundle: it is a fault of isbjerg",
        rows=found.rows,
        differing=found.differing,
    )


def _carriable(evidence: Evidence) -> tuple[Finding, ...]:
    """Tell how a model that was put into another form compares with itself."""
    found = evidence.carried
    if found is None:
        return ()
    return (
        _finding(
            evidence,
            "gate.carriable",
            "failed" if found.differing or not found.rows else "passed",
            found.sentence,
            mend="release a rung below",
            rows=found.rows,
            differing=found.differing,
        ),
    )


def _weighed(evidence: Evidence, policy: Policy) -> tuple[Finding, ...] | None:
    """Let a broken rule block when it set aside more rows than a table may lose."""
    if evidence.contract is None:
        return None
    return tuple(
        msgspec.structs.replace(found, severity="blocking")
        if found.severity == "error" and found.evidence.get("share", 0.0) > policy.broken_share_max
        else found
        for found in evidence.contract
    )


def _listed(evidence: Evidence, code: str, found: tuple[Finding, ...] | None, how: str) -> Finding:
    """Sum up findings made elsewhere: what blocks there blocks here, the rest is a warning."""
    if found is None:
        return _finding(evidence, code, "not_run", "It was not checked.", mend=how)
    failed = [f for f in found if f.failed]
    if not failed:
        return _finding(evidence, code, "passed", f"{len(found)} checks, none failed.")
    blocking = [f for f in failed if f.blocks]
    first = (blocking or failed)[0]
    return _finding(
        evidence,
        code,
        "failed",
        f"{len(failed)} of {len(found)} checks failed, {len(blocking)} of them blocking: "
        f"{first.message}",
        severity="blocking" if blocking else "warning",
        mend=first.mend,
        failed=[{"code": f.code, "subject": f.subject} for f in failed],
    )
