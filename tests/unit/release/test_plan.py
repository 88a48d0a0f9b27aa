from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from isbjerg.errors import ReleaseError
from isbjerg.release.plan import Route, ServingPlan, from_json

GOLDEN = Path(__file__).parents[2] / "golden" / "plan-v1.json"
PLAN = ServingPlan(
    epoch=7,
    at_us=1_370_044_800_000_000,
    routes=(Route(role="live", model_version=3, bundle="ab" * 32, rung="boosted"),),
)


def test_plans_of_the_first_format_are_still_read_and_written():
    assert from_json(GOLDEN.read_bytes()) == PLAN
    assert PLAN.to_json() == GOLDEN.read_bytes()


def test_routes_are_found_by_role():
    assert PLAN.route().model_version == 3
    assert PLAN.route("shadow") is None


def test_a_newer_format_is_refused():
    newer = msgspec.json.encode({"format_version": 2, "something": "else"})
    with pytest.raises(ReleaseError, match="reads up to 1") as caught:
        from_json(newer)
    assert caught.value.kind_code == "ISB511"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff",
        b"[" * 100_000,
        b" " * (2**20 + 1),
        b'{"format_version":1}',
        b'{"format_version":0,"epoch":1,"at_us":0,"routes":[]}',
        b'{"format_version":1,"epoch":0,"at_us":0,"routes":[]}',
        msgspec.json.encode(
            {
                "format_version": 1,
                "epoch": 1,
                "at_us": 0,
                "routes": [{"role": "live", "model_version": 1, "bundle": "../up", "rung": "x"}],
            }
        ),
        msgspec.json.encode(
            {
                **msgspec.to_builtins(PLAN),
                "routes": [msgspec.to_builtins(r) for r in PLAN.routes * 2],
            }
        ),
    ],
)
def test_damage_is_refused(content):
    with pytest.raises(ReleaseError):
        from_json(content)
