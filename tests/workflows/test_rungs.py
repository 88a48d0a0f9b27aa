"""Rungs of other libraries in a whole project: run, released, served, replayed, or evaluated only."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from tests.workflows import small_project
from tests.workflows.test_life import DONE, EQUAL, Life, _predict

import isbjerg as ib

HEAD = """\
import isbjerg as ib
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression

import features as f

ALL = [f.wind, f.at_shop, f.size, f.shop_late_7d]


@ib.rule
def windy(w=f.wind):
    return ib.when(w > 10.0).then(0.7).otherwise(0.3)

"""

CARRIED = """\

@ib.candidate(features=ALL)
def logistic():
    return ib.search(ib.sklearn(LogisticRegression()), over={"C": (0.1, 10.0, "log")}, trials=4)
"""

UNCARRIED = """\

class Mine(ClassifierMixin, BaseEstimator):
    def fit(self, x, y):
        self.inner_ = LogisticRegression().fit(x, y)
        self.classes_ = self.inner_.classes_
        return self

    def predict(self, x):
        return self.inner_.predict(x)

    def predict_proba(self, x):
        return self.inner_.predict_proba(x)


@ib.candidate(features=ALL)
def mine():
    return ib.sklearn(Mine())
"""

HEAVY = ("sqlalchemy", "sklearn", "skl2onnx", "onnx/", "polars", "pandas", "scipy", "catboost")


def write(life: Life, models: str) -> None:
    (life.folder / "models.py").write_text(HEAD + models, encoding="utf-8")


def test_what_cannot_be_carried_is_measured_and_a_rung_below_is_chosen(tmp_path: Path) -> None:
    life = Life(tmp_path)
    write(life, UNCARRIED)
    report = life.project.run(as_of=small_project.AS_OF)
    mine = report.ladder.row("mine")
    assert mine.evaluated_only == "skl2onnx has no converter for Mine"
    assert mine.step is not None
    assert mine.step.better
    assert report.ladder.chosen == report.verdict.candidate == "windy"
    (finding,) = [f for f in report.findings if f.code == "rung.evaluated_only"]
    assert (finding.subject, finding.severity) == ("mine", "warning")
    assert finding.message == (
        "It is better, but cannot be released: skl2onnx has no converter for Mine. windy is chosen."
    )
    assert mine.metrics["average_precision"].value > 0.9
    again = life.project.run(as_of=small_project.AS_OF)
    assert again.ladder.row("mine").metrics == mine.metrics


def test_a_search_is_recorded_and_the_same_fits_are_made_again(tmp_path: Path) -> None:
    life = Life(tmp_path)
    write(life, CARRIED)
    report = life.project.run(as_of=small_project.AS_OF)
    assert report.ladder.chosen == "logistic"
    assert report.notes["logistic"][-1].startswith("4 fits in ")
    (carriable,) = [f for f in report.verdict.findings if f.code == "gate.carriable"]
    assert carriable.outcome == "passed"
    kept = life.project.run(as_of=small_project.AS_OF)
    assert kept.ladder.row("logistic").metrics == report.ladder.row("logistic").metrics
    other = Life(tmp_path / "other")
    write(other, CARRIED)
    same = other.project.run(as_of=small_project.AS_OF)
    assert (
        same.notes["logistic"][-1].split("best")[1] == report.notes["logistic"][-1].split("best")[1]
    )


@pytest.mark.slow
def test_an_estimator_goes_live_and_is_answered_by_a_light_process(tmp_path: Path) -> None:
    life = Life(tmp_path)
    write(life, CARRIED)
    assert life.say("run", "--as-of", small_project.AS_OF) == DONE
    assert life.say("promote", "v1") == DONE
    with life.serve() as server:
        given = [_predict(server, n) for n in (1001, 1002)]
        maps = Path(f"/proc/{server.process.pid}/maps")
        loaded = maps.read_text(encoding="utf-8") if sys.platform == "linux" else ""
    assert "onnxruntime" in loaded
    assert not [name for name in HEAVY if f"/site-packages/{name}" in loaded]
    assert given[0]["score"] == given[1]["score"]
    assert 0.0 < given[0]["score"] < 1.0
    assert all(life.replays(g["id"]) == EQUAL for g in given)


@pytest.mark.slow
def test_an_onnx_model_made_elsewhere_is_a_rung(tmp_path: Path) -> None:
    """A model that another tool wrote: its answers by hand, its file gone after the run."""
    import numpy as np
    from onnx import TensorProto, helper, numpy_helper

    weight = numpy_helper.from_array(np.array([[0.5], [0.0]], np.float32), "w")
    shift = numpy_helper.from_array(np.array([-5.0], np.float32), "b")
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["m"]),
        helper.make_node("Add", ["m", "b"], ["z"]),
        helper.make_node("Sigmoid", ["z"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 2])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, 1])],
        [weight, shift],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    life = Life(tmp_path)
    write(
        life,
        """
@ib.candidate(features=[f.wind, f.size])
def elsewhere():
    return ib.onnx("wind.onnx", missing={"x": 10.0})
""",
    )
    (life.folder / "wind.onnx").write_bytes(made.SerializeToString())
    report = life.project.run(as_of=small_project.AS_OF)
    assert report.ladder.chosen == "elsewhere", [f.message for f in report.findings]
    (life.folder / "wind.onnx").unlink()
    life.project.promote(report.model_version)
    with life.serve() as server:
        answer = _predict(server, 1001)
    # no wind is known today, so it is 10: the logistic function of 0.5 * 10 - 5
    assert answer["score"] == 0.5


def test_names_are_public() -> None:
    assert {"catboost", "onnx", "search", "sklearn"} <= set(ib.__all__)
