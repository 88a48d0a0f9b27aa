from __future__ import annotations

import msgspec
import pytest

from isbjerg.evaluation.comparison import Comparison
from isbjerg.evaluation.metrics import Measured
from isbjerg.findings import Finding
from isbjerg.frame.frame import Guardrail
from isbjerg.release.gate import Evidence, Parity, Policy, Verdict, judge

POLICY = Policy(guardrails=(Guardrail("brier", "<=", 0.14),))


def compared(difference, low, high):
    return Comparison(
        metric="average_precision",
        name="boosted",
        against="constant",
        difference=difference,
        low=low,
        high=high,
        better=low is not None and low > 0,
        n=5000,
        blocks=30,
        sentence="boosted against constant.",
    )


def evidence(**changes):
    good = Evidence(
        candidate="boosted",
        primary="average_precision",
        metrics={
            "average_precision": Measured("average_precision", 0.4, 0.38, 0.42, n=5000, blocks=30),
            "brier": Measured("brier", 0.12, 0.11, 0.13, n=5000, blocks=30),
        },
        baseline=compared(0.2, 0.18, 0.22),
        parity=Parity(200, 0),
        contract=(),
        leakage=(),
    )
    return msgspec.structs.replace(good, **changes)


def outcome(verdict, code):
    return next((f.outcome, f.severity) for f in verdict.findings if f.code == code)


def test_good_evidence_passes_and_says_what_did_not_apply():
    verdict = judge(evidence(), POLICY)
    assert verdict.passed
    assert outcome(verdict, "gate.not_worse_than_live")[0] == "not_applicable"
    assert verdict.sentence == (
        "boosted may go live: 6 checks passed, 1 not applicable; "
        "average_precision 0.400 (0.380 to 0.420)."
    )


WRONG = {
    "gate.beats_baseline": {"baseline": compared(0.001, -0.01, 0.01)},
    "gate.guardrail.brier": {
        "metrics": {
            "average_precision": Measured("average_precision", 0.4, 0.38, 0.42, n=5000, blocks=30),
            "brier": Measured("brier", 0.141, 0.13, 0.15, n=5000, blocks=30),
        }
    },
    "gate.not_worse_than_live": {"something_live": True, "live": compared(-0.01, -0.02, -0.001)},
    "gate.parity": {"parity": Parity(200, 1)},
    "gate.contract": {
        "contract": (Finding(code="contract.range", subject="flights.x", severity="blocking"),)
    },
    "gate.leakage": {
        "leakage": (Finding(code="leakage.single_feature", subject="x", severity="blocking"),)
    },
    "gate.enough_rows": {
        "metrics": {
            "average_precision": Measured("average_precision", 0.4, 0.38, 0.42, n=99, blocks=30),
            "brier": Measured("brier", 0.12, 0.11, 0.13, n=99, blocks=30),
        }
    },
}


@pytest.mark.parametrize("code", WRONG)
def test_each_check_alone_stops_a_model(code):
    verdict = judge(evidence(**WRONG[code]), POLICY)
    assert not verdict.passed
    assert [f.code for f in verdict.findings if f.blocks] == [code]
    failed = next(f for f in verdict.findings if f.code == code)
    assert failed.message
    assert verdict.sentence == f"boosted may not go live. {failed.message}"


NOT_RUN = {
    "gate.beats_baseline": {"baseline": None},
    "gate.guardrail.brier": {
        "metrics": {
            "average_precision": Measured("average_precision", 0.4, 0.38, 0.42, n=5000, blocks=30)
        }
    },
    "gate.not_worse_than_live": {"something_live": True, "live": None},
    "gate.parity": {"parity": None},
    "gate.contract": {"contract": None},
    "gate.leakage": {"leakage": None},
}


@pytest.mark.parametrize("code", NOT_RUN)
def test_a_check_that_was_not_run_is_not_passed(code):
    verdict = judge(evidence(**NOT_RUN[code]), POLICY)
    assert outcome(verdict, code) == ("not_run", "blocking")
    assert not verdict.passed
    assert verdict.sentence == f"boosted may not go live. Not run: {code}."


def test_a_warning_is_shown_and_lets_through():
    warned = (Finding(code="contract.range", subject="flights.x", severity="warning"),)
    verdict = judge(evidence(contract=warned), POLICY)
    assert outcome(verdict, "gate.contract") == ("failed", "warning")
    assert verdict.passed


@pytest.mark.parametrize(
    ("live", "margin", "passed"),
    [
        (compared(0.0, 0.0, 0.0), 0.0, True),  # the same recipe again
        (compared(-0.001, -0.004, 0.002), 0.0, True),  # chance
        (compared(-0.003, -0.005, -0.001), 0.0, False),  # shown to be worse
        (compared(-0.003, -0.005, -0.001), 0.001, True),  # by no more than the margin
        (compared(-0.003, -0.005, -0.002), 0.001, False),
        (compared(-0.003, None, None), 0.0, False),  # too few days to tell: the difference is asked
        (compared(0.003, None, None), 0.0, True),
    ],
)
def test_what_is_shown_to_be_worse_than_the_live_model_is_stopped(live, margin, passed):
    policy = msgspec.structs.replace(POLICY, margin=margin)
    verdict = judge(evidence(something_live=True, live=live), policy)
    assert verdict.passed == passed
    message = next(f for f in verdict.findings if f.code == "gate.not_worse_than_live").message
    assert ("is worse than" in message) == (not passed)


def test_the_constant_does_not_beat_itself():
    verdict = judge(evidence(baseline=None, baseline_itself=True), POLICY)
    assert outcome(verdict, "gate.beats_baseline") == ("failed", "blocking")


def test_the_same_evidence_gives_the_same_verdict_and_stores():
    first, again = judge(evidence(), POLICY), judge(evidence(), POLICY)
    assert first.id == again.id
    stored = msgspec.json.decode(msgspec.json.encode(first), type=Verdict)
    assert stored.id == first.id
    assert judge(evidence(parity=Parity(201, 0)), POLICY).id != first.id


def broken(share):
    return Finding(
        code="contract.range",
        subject="flights.distance",
        severity="error",
        message="distance is within 17 and 4983: some are not.",
        evidence={"share": share},
    )


@pytest.mark.parametrize(("share", "severity"), [(0.1, "warning"), (0.11, "blocking")])
def test_a_rule_that_many_rows_break_is_a_changed_definition_and_stops(share, severity):
    verdict = judge(evidence(contract=(broken(share),)), POLICY)
    assert outcome(verdict, "gate.contract") == ("failed", severity)
    assert verdict.passed == (severity == "warning")


def test_a_live_model_of_another_target_is_not_compared():
    told = "v1 (rule), which is live, has another target."
    verdict = judge(evidence(something_live=True, live_differs=told), POLICY)
    assert outcome(verdict, "gate.not_worse_than_live")[0] == "not_applicable"
    assert verdict.passed


def test_too_few_test_rows_say_how_much_larger_their_part_has_to_be() -> None:
    few = Measured("brier", 0.15, 0.14, 0.16, n=80, blocks=10)
    verdict = judge(Evidence(candidate="x", primary="brier", metrics={"brier": few}), Policy())
    (found,) = (f for f in verdict.findings if f.code == "gate.enough_rows")
    assert "be 1.3 times what it is" in found.mend  # 100 / 80 = 1.25, and up
