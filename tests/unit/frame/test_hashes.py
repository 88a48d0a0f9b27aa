"""The measure hash: what severs a history of numbers, and what must not."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from isbjerg.frame.frame import (
    Budget,
    Frame,
    Guardrail,
    Metric,
    Reference,
    Release,
    Split,
    Target,
    Unit,
    Value,
)
from isbjerg.frame.hashes import frame_hash, measure_hash
from isbjerg.frame.moment import Moment

FRAME = Frame(
    objective="Fewer surprises.",
    unit=Unit(source="flights", at=Moment("sched_dep_utc", -7200), subject="tail_number"),
    target=Target(feature="late", kind="binary"),
    metric=Metric(primary="brier", guardrails=(Guardrail("log_loss", "<=", 0.4),)),
    value=Value(true_positive=30),
)

OTHER: dict[str, Any] = {
    "unit.source": "trains",
    "unit.at": Moment("sched_dep_utc", -3600),
    "target.feature": "very_late",
    "target.kind": "regression",
    "target.group": ("origin",),
    "metric.primary": "roc_auc",
    "value": None,
    "value.true_positive": 31.0,
    "value.false_positive": -1.0,
    "value.true_negative": 1.0,
    "value.false_negative": -1.0,
    "split.validation": 0.1,
    "split.test": 0.1,
    "split.validation_from_us": 1,
    "split.test_from_us": 2,
    "window_us": 3,
    "split.how": "random",
    "split.group": "tail_number",
    "split.seed": 1,
}
SAME: dict[str, Any] = {
    "objective": "More fun.",
    "owner": "someone@else",
    "decision": "Send two messages.",
    "unit.subject": "carrier",
    "target.holdout": 0.05,
    "metric.guardrails": (),
    "references": (Reference(name="human", value=0.1, source="a guess"),),
    "slices": ("origin",),
    "budget": Budget(mode="batch", latency_ms_p99=3, requests_per_s=1),
    "retrain": "daily",
    "release": Release(strategy="canary", shares=(0.5, 1.0), margin=0.1),
    "seed": 1,
    "memory_bytes": 2**30,
}


def changed(path: str, value: Any) -> Frame:
    section, _, field = path.partition(".")
    if not field:
        return msgspec.structs.replace(FRAME, **{section: value})
    inner = msgspec.structs.replace(getattr(FRAME, section), **{field: value})
    return msgspec.structs.replace(FRAME, **{section: inner})


@pytest.mark.parametrize("path", OTHER)
def test_what_is_measured_severs(path: str) -> None:
    assert measure_hash(changed(path, OTHER[path])) != measure_hash(FRAME)


@pytest.mark.parametrize("path", SAME)
def test_what_is_only_said_severs_nothing(path: str) -> None:
    frame = changed(path, SAME[path])
    assert frame != FRAME
    assert measure_hash(frame) == measure_hash(FRAME)


def test_every_field_of_a_frame_is_on_one_side() -> None:
    fields = set()
    for name in Frame.__struct_fields__:
        kind = {"unit": Unit, "target": Target, "metric": Metric, "value": Value, "split": Split}
        inner = kind[name].__struct_fields__ if name in kind else ()
        fields |= {f"{name}.{field}" for field in inner} or {name}
    assert fields | {"value"} == OTHER.keys() | SAME.keys()


def test_the_target_itself_and_the_population_count() -> None:
    hashes = {
        measure_hash(FRAME),
        measure_hash(FRAME, target={"op": "greater", "than": 30}),
        measure_hash(FRAME, target={"op": "greater", "than": 15}),
        measure_hash(FRAME, population="origin == 'JFK'"),
    }
    assert len(hashes) == 4


def test_keys_that_came_later_leave_the_hash_of_older_frames_as_it_was() -> None:
    # Computed with the first version of this format, which had no `how`, `group` and `seed`.
    assert measure_hash(FRAME) == "3968be32563907b596b44caf4f0f92161bd561640d304117f92c17831b0606c6"


def test_the_empty_frame_has_the_known_hash() -> None:
    # The SHA-256 of nothing, as everyone knows it (FIPS 180-4 test vectors).
    assert frame_hash("").startswith("e3b0c44298fc1c149afbf4c8996fb924")
