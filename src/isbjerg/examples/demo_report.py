"""What came of the demonstration: nothing lost, how fast, how well."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from isbjerg.evaluation.metrics import Measured, measure_all
from isbjerg.examples.demo_traffic import Sent, Traffic
from isbjerg.statistics.bootstrap import time_blocks
from isbjerg.storage.outcomes import Settlement

METRICS = ("average_precision", "roc_auc", "brier")


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """What was sent and what became of it.

    Parameters
    ----------
    sent, answered, in_ledger : int
        Requests; answers with a prediction; answers whose record is in the ledger.
    lost : int
        Answers without a record: must be 0.
    facts : int
        Rows told to the server while the week went by.
    p50_ms, p99_ms : float
        From request to answer, seen by the client, several requests at a time.
    seconds : float
        Length of the whole replay.
    """

    sent: int
    answered: int
    in_ledger: int
    lost: int
    facts: int
    p50_ms: float
    p99_ms: float
    seconds: float


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
        What was said on the command line, in order.
    as_of, week : str
        Until when it learnt; what was replayed.
    rungs : dict of str to dict of str to Measured
        The ladder on the run's own test days.
    chosen : str
        Rung that went live.
    week_metrics : dict of str to dict of str to Measured
        Constant, rule and live model on the flights replayed.
    flights, late : int
        Flights replayed with an outcome; how many of them came late.
    delivery, settlement, traced
        See there.
    seconds : dict of str to float
        Length of each stage.
    """

    folder: str
    verbs: tuple[str, ...]
    as_of: str
    week: str
    rungs: dict[str, dict[str, Measured]]
    chosen: str
    week_metrics: dict[str, dict[str, Measured]]
    flights: int
    late: int
    delivery: Delivery
    settlement: Settlement
    traced: tuple[Traced, ...]
    seconds: dict[str, float]

    @property
    def holds(self) -> bool:
        """Whether nothing was lost and every trace came out the same."""
        return self.delivery.lost == 0 and all(t.holds for t in self.traced)


def delivery(traffic: Traffic, recorded: set[str]) -> Delivery:
    """Count what was sent, answered and recorded.

    Parameters
    ----------
    traffic : Traffic
        What was sent.
    recorded : set of str
        Ids of the answers that the ledger knows.
    """
    answered = [p for p in traffic.predictions if p.id is not None]
    latencies = np.array([p.latency_ms for p in answered] or [0.0])
    p50, p99 = (round(float(np.quantile(latencies, q)), 2) for q in (0.5, 0.99))
    return Delivery(
        sent=len(traffic.predictions),
        answered=len(answered),
        in_ledger=len(recorded),
        lost=sum(p.id not in recorded for p in answered),
        facts=traffic.facts,
        p50_ms=p50,
        p99_ms=p99,
        seconds=round(traffic.seconds, 1),
    )


def measured(
    scores: Mapping[str, NDArray[np.float64]],
    truth: NDArray[np.float64],
    at_us: NDArray[np.int64],
    rng: np.random.Generator,
) -> dict[str, dict[str, Measured]]:
    """Measure each row of scores, with intervals by days."""
    blocks = time_blocks(at_us)
    return {
        name: measure_all(METRICS, truth, values, blocks, rng) for name, values in scores.items()
    }


def to_trace(predictions: Sequence[Sent]) -> list[Sent]:
    """Choose three predictions to trace: the lowest, the middle and the highest score."""
    answered = sorted((p for p in predictions if p.score is not None), key=lambda p: p.score or 0.0)
    if not answered:
        return []
    return [answered[0], answered[len(answered) // 2], answered[-1]]
