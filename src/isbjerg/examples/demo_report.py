"""What came of the demonstration: nothing lost, how fast, how well, month by month."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from isbjerg.evaluation.metrics import Measured
from isbjerg.examples.demo_life import Alarm, Release
from isbjerg.examples.demo_traffic import Sent, Traffic


class Month(msgspec.Struct, frozen=True, kw_only=True):
    """One month of the replay: average precision on the flights that arrived.

    Parameters
    ----------
    month : str
        Such as ``2013-06``, by New York's calendar.
    rule, frozen, live : float or None
        The hand-coded rule; the first model, never trained again; what was answered.
    n, late : int
        Flights with an outcome; how many of them came late.
    intervals : dict of str to tuple of float
        The 95 % interval of each, by days; lacking with too few days.
    """

    month: str
    rule: float | None
    frozen: float | None
    live: float | None
    n: int
    late: int
    intervals: dict[str, tuple[float, float]]


class Traced(msgspec.Struct, frozen=True, kw_only=True):
    """One prediction, traced: the answers to the three questions of a trace."""

    id: str
    flight_id: str
    score: float
    outcome: bool | None
    replays: dict[str, str]
    holds: bool


class DemoReport(msgspec.Struct, frozen=True, kw_only=True):
    """The whole demonstration.

    Parameters
    ----------
    folder : str
        The project.
    verbs : tuple of str
        What was said, in order; what is said each week is told once.
    as_of, until : str
        Until when it learnt at first; until when it was replayed.
    chosen : str
        Rung that went live first.
    rungs : dict of str to dict of str to Measured
        The ladder on the first run's own test days.
    sent, answered, in_ledger : int
        Requests; answers with a prediction; answers whose record is in the ledger.
    lost : int
        Answers without a record: must be 0.
    facts, settled : int
        Rows told to the server while time went by; outcomes joined with their predictions.
    p50_ms, p99_ms : float
        From request to answer, seen by the client, several requests at a time.
    seconds : float
        Length of the whole demonstration.
    metric : str
        What `months` are measured in.
    months : tuple of Month
        In order; the last line may be ``all``.
    releases : tuple of Release
        What became of each retraining.
    alarms : tuple of Alarm
        What the weekly looks found wrong.
    traced : tuple of Traced
        Three predictions, traced.
    next_steps : tuple of str
        What to do now.
    stages : dict of str to float
        Seconds of each act.
    """

    folder: str
    verbs: tuple[str, ...]
    as_of: str
    until: str
    chosen: str
    rungs: dict[str, dict[str, Measured]]
    sent: int
    answered: int
    in_ledger: int
    lost: int
    facts: int
    settled: int
    p50_ms: float
    p99_ms: float
    seconds: float
    metric: str
    months: tuple[Month, ...]
    releases: tuple[Release, ...]
    alarms: tuple[Alarm, ...]
    traced: tuple[Traced, ...]
    next_steps: tuple[str, ...]
    stages: dict[str, float]

    @property
    def holds(self) -> bool:
        """Whether all was answered, nothing was lost, and every trace came out the same."""
        answered = self.sent == self.answered == self.in_ledger
        return answered and self.lost == 0 and all(t.holds for t in self.traced)


def latencies_ms(traffic: Traffic) -> tuple[float, float]:
    """Return the median and the 99th percentile of the answers."""
    taken = np.array([p.latency_ms for p in traffic.predictions if p.id is not None] or [0.0])
    p50, p99 = (round(float(np.quantile(taken, q)), 2) for q in (0.5, 0.99))
    return p50, p99


def to_trace(predictions: Sequence[Sent]) -> list[Sent]:
    """Choose three predictions to trace: the lowest, the middle and the highest score."""
    answered = sorted((p for p in predictions if p.score is not None), key=lambda p: p.score or 0.0)
    if not answered:
        return []
    return [answered[0], answered[len(answered) // 2], answered[-1]]
