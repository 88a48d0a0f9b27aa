"""Whether a model still gets what it was tested on: missing values, look-ups, contract, columns.

Every question is asked of every column at once, so probabilities are adjusted for how many there
are (Benjamini-Hochberg), and none is flagged without an effect that is worth an hour of somebody's
time: on enough rows everything differs from everything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from isbjerg.findings import Finding
from isbjerg.monitoring.findings import PROBABILITY, found
from isbjerg.monitoring.reference import SCORE, Reference
from isbjerg.monitoring.traffic import Traffic
from isbjerg.statistics.distances import Shift, judge_shift
from isbjerg.statistics.multiplicity import benjamini_hochberg
from isbjerg.statistics.rates import day_inflation, rate_probability

RATE_CHANGE_MIN = 0.02
"""A missing rate that changed by less is not worth a word."""

SHIFT_MIN = 0.1
"""Distance below which a column's distribution is the same for any use."""

TIMES_USUAL = 2.0
"""A column that lies so many times further off than usual does not drift with the season."""


class Wiring(NamedTuple):
    """What a model's inputs are made of.

    Parameters
    ----------
    source : str
        The unit's source, from which requests take their columns.
    looked_up : mapping of str to str
        Source of each slot.
    made_of : mapping of str to sequence of str
        For each feature, the ``column:`` and ``slot:`` names that it is computed from; for each
        slot, under its ``slot:`` name, the columns by which it is looked up.
    """

    source: str
    looked_up: Mapping[str, str]
    made_of: Mapping[str, Sequence[str]]


class _Rate(NamedTuple):
    name: str
    share: float
    before: float
    probability: float

    @property
    def off(self) -> bool:
        return self.probability <= PROBABILITY and abs(self.share - self.before) >= RATE_CHANGE_MIN

    def say(self, told: str) -> str:
        return f"{told} is missing in {self.share:.1%}, {self.before:.1%} on the test rows"


def judge_missing(reference: Reference, seen: Traffic, wiring: Wiring) -> list[Finding]:
    """Judge how often values are missing: each column, each looked-up source, each feature.

    A feature that is missing because what it is made of is missing says so and opens no alarm of
    its own; the values looked up in one source are one finding, because one thing is wrong.
    """
    rates = {r.name: r for r in _rates(reference, seen)}
    made = [_column(r, wiring) for n, r in rates.items() if n.startswith("column:")]
    by_source: dict[str, list[_Rate]] = {}
    for name, rate in rates.items():
        if name.startswith("slot:"):
            source = wiring.looked_up.get(name.removeprefix("slot:"), "")
            by_source.setdefault(source, []).append(rate)
    made += [_source(source, slots, rates, wiring) for source, slots in by_source.items()]
    made += [_feature(r, rates, wiring) for n, r in rates.items() if n.startswith("feature:")]
    return made


def _rates(reference: Reference, seen: Traffic) -> Iterator[_Rate]:
    """Hold each column's missing rate against the reference's, adjusted for how many there are."""
    names = [name for name in reference.counted if name != SCORE]
    probabilities = []
    for name in names:
        missing = reference.counted[name].missing
        probabilities.append(
            rate_probability(
                seen.missing[name],
                seen.rows,
                before_hits=sum(missing),
                before_rows=reference.total,
                inflation=day_inflation(missing, reference.rows),
            )
        )
    for name, probability in zip(names, benjamini_hochberg(probabilities), strict=True):
        before = sum(reference.counted[name].missing) / max(reference.total, 1)
        yield _Rate(name, seen.missing[name] / max(seen.rows, 1), before, probability)


def _column(rate: _Rate, wiring: Wiring) -> Finding:
    column = rate.name.removeprefix("column:")
    return found(
        "missing",
        f"{wiring.source}.{column}",
        "failed" if rate.off else "passed",
        f"{rate.say(column)}.",
        severity="error",
        mend=f"ask the callers why they send {column} {'less' if rate.share > rate.before else 'more'} often",
        **_numbers(rate),
    )


def _source(source: str, slots: list[_Rate], rates: Mapping[str, _Rate], wiring: Wiring) -> Finding:
    off = sorted((r for r in slots if r.off), key=lambda r: r.probability)
    if not off:
        return found(
            "lookup", source, "passed", f"{len(slots)} values are looked up in {source}, as usual."
        )
    worst = max(off, key=lambda r: abs(r.share - r.before))
    slot = worst.name.removeprefix("slot:")
    causes = {_cause(r.name, rates, wiring) for r in off}
    because = f", because {min(causes)} is" if "" not in causes else ""
    return found(
        "lookup",
        source,
        "failed",
        f"{len(off)} of {len(slots)} values looked up in {source} are missing otherwise than on "
        f"the test rows: {worst.say(slot)}{because}.",
        severity="info" if because else "error",
        mend="" if because else f"isbjerg ingest {source}, or look who posts its facts",
        slots={r.name.removeprefix("slot:"): _numbers(r) for r in off},
    )


def _feature(rate: _Rate, rates: Mapping[str, _Rate], wiring: Wiring) -> Finding:
    feature = rate.name.removeprefix("feature:")
    cause = _cause(feature, rates, wiring)
    because = f", because {cause} is" if cause and rate.off else ""
    return found(
        "missing",
        feature,
        "failed" if rate.off else "passed",
        f"{rate.say(feature)}{because}.",
        severity="info" if because else "error",
        mend="" if because else f"look how {feature} is computed: isbjerg trace of a prediction",
        **_numbers(rate),
    )


def _cause(name: str, rates: Mapping[str, _Rate], wiring: Wiring) -> str:
    """Name something missing that a value is made of; empty when there is nothing."""
    off = (n for n in wiring.made_of.get(name, ()) if n in rates and rates[n].off)
    return next(off, "").partition(":")[2]


def _numbers(rate: _Rate) -> dict[str, float]:
    return {"share": rate.share, "before": rate.before, "probability": rate.probability}


def judge_contract(reference: Reference, seen: Traffic) -> list[Finding]:
    """Judge how often requests break each warning rule of the contract."""
    rules = sorted({*seen.broken, *reference.broken})
    if not rules:
        return [found("contract", "requests", "passed", f"{seen.rows:,} requests, none flagged.")]
    before = {rule: round(reference.broken.get(rule, 0.0) * reference.total) for rule in rules}
    probabilities = benjamini_hochberg(
        [
            rate_probability(
                seen.broken.get(rule, 0),
                seen.rows,
                before_hits=before[rule],
                before_rows=reference.total,
            )
            for rule in rules
        ]
    )
    return [
        _rule(rule, seen.broken.get(rule, 0) / max(seen.rows, 1), reference, p)
        for rule, p in zip(rules, probabilities, strict=True)
    ]


def _rule(rule: str, share: float, reference: Reference, probability: float) -> Finding:
    code, _, subject = rule.partition(" ")
    before = reference.broken.get(rule, 0.0)
    off = probability <= PROBABILITY and share - before >= RATE_CHANGE_MIN
    return found(
        "contract",
        f"{subject} {code.rpartition('.')[2]}",
        "failed" if off else "passed",
        f"{share:.1%} of the answers carry {code} of {subject}; {before:.1%} when it was tested.",
        severity="error",
        mend="look at what callers send, then at the rule: contracts/",
        share=share,
        before=before,
        probability=probability,
    )


def judge_columns(
    reference: Reference,
    seen: Traffic,
    wiring: Wiring,
    draw: Callable[[], np.random.Generator],
) -> list[Finding]:
    """Judge whether columns are distributed as on the test rows.

    A season moves temperatures; a change of unit, of codes or of a query moves a column by more
    than any days before differed. Only the second is an alarm.

    Parameters
    ----------
    reference : Reference
        The days before.
    seen : Traffic
        The window.
    wiring : Wiring
        A feature that moved because its column did says so, and opens no alarm of its own.
    draw : callable
        A new generator, the same each time, so that one column does not depend on another.
    """
    names = [n for n, c in reference.counted.items() if c.bins is not None and n != SCORE]
    shifts = {name: shift_of(reference, seen, name, draw()) for name in names}
    judged = {name: shift for name, shift in shifts.items() if shift is not None}
    adjusted = benjamini_hochberg([shift.probability for shift in judged.values()])
    moved = {name: _off(judged[name], p) for name, p in zip(judged, adjusted, strict=True)}
    causes = {
        name: next((n for n in wiring.made_of.get(_told(name), ()) if moved.get(n)), "")
        for name in judged
        if name.startswith("feature:")
    }
    return [
        _distribution(name, shift, p, cause=_told(causes.get(name, "")))
        for (name, shift), p in zip(judged.items(), adjusted, strict=True)
    ]


def _told(name: str) -> str:
    return name.partition(":")[2]


def _off(shift: Shift, probability: float) -> bool:
    return probability <= PROBABILITY and shift.distance >= SHIFT_MIN


def shift_of(
    reference: Reference, seen: Traffic, name: str, rng: np.random.Generator
) -> Shift | None:
    """Measure how far a counted column lies off; ``None`` when too few days are known."""
    counted = reference.counted[name]
    if counted.bins is None:
        return None
    return judge_shift(
        seen.counts(name),
        counted.by_day(),
        window_days=max(1, len(seen.days)),
        rng=rng,
        ordered=counted.bins.kind == "numbers",
    )


def _distribution(name: str, shift: Shift, probability: float, *, cause: str) -> Finding:
    place, _, told = name.partition(":")
    off = _off(shift, probability)
    because = f", because {cause} does" if off and cause else ""
    changed = off and not because and shift.distance >= TIMES_USUAL * shift.usual
    subject = told if place == "feature" else f"{place} {told}"
    return found(
        "distribution",
        subject,
        "failed" if off else "passed",
        f"{told} lies {shift.distance:.2f} off the test rows; "
        f"up to {shift.usual:.2f} is usual{because}.",
        severity="warning" if changed else "info",
        mend=f"look whether {told} means what it meant: its unit, its codes, the query behind it"
        if changed
        else "a season would do that: isbjerg retrain",
        distance=shift.distance,
        usual=shift.usual,
        probability=probability,
    )
