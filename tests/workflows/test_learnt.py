"""Features that learn of training rows, all the way: run, gate, server, trace."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from tests.unit.workflows.kit import SetClock, opened, us
from tests.workflows import digits_project, small_project

from isbjerg.errors import DefinitionError
from isbjerg.expressions.tree import walk
from isbjerg.workflows import train
from isbjerg.workflows.bundles import load_bundle
from isbjerg.workflows.contracts import read_contract
from isbjerg.workflows.preparing import prepare
from isbjerg.workflows.train import run
from isbjerg.workflows.units import TRUTH

NOW = datetime(2024, 5, 1, tzinfo=UTC)
AS_OF = us(datetime(2024, 4, 8, tzinfo=UTC))

FEATURES = """

@ib.feature
def gust(w=wind):
    return (w - ib.learnt.mean(w)) / ib.learnt.std(w)


@ib.feature
def shop_risk(shop):
    return ib.learnt.target_mean(shop, smoothing=5)


@ib.feature
def price(amount):
    return ib.learnt.bucket(amount, 5)
"""

MODELS = """\
import isbjerg as ib

import features as f


@ib.candidate(features=[f.gust, f.shop_risk, f.price])
def linear():
    return ib.linear()
"""


@pytest.fixture
def orders(tmp_path: Path) -> Path:
    folder = small_project.write_project(tmp_path / "orders")
    with (folder / "features.py").open("a", encoding="utf-8") as file:
        file.write(FEATURES)
    (folder / "models.py").write_text(MODELS, encoding="utf-8")
    return folder


def test_what_was_learnt_goes_live_with_the_model(orders: Path) -> None:
    with opened(orders, SetClock(NOW)) as (workspace, definitions):
        report = run(workspace, definitions, as_of_us=AS_OF)
        assert report.verdict.passed, report.verdict.sentence  # gate.parity among others
        kept = workspace.catalog.run(report.run)
        model = workspace.catalog.model_version(1)
        bundle, _ = load_bundle(workspace, model.bundle)
        prepared = prepare(
            workspace,
            definitions,
            read_contract(workspace, "orders"),
            train._versions(workspace, definitions),
            AS_OF,
        )
    assert [one["name"] for one in kept.parameters["learnt"]] == [
        "learnt.mean(wind)",
        "learnt.std(wind)",
        "learnt.target_mean(shop, 5.0, 50000)",
        "learnt.bucket(amount, 5)",
    ]
    operations = {n.op for step in bundle.feature_set.steps for n in walk(step.node)}
    assert {"map", "bucket"} <= operations
    assert "learn" not in operations
    assert kept.feature_sets["linear"] == bundle.feature_set.hash
    assert kept.parameters["asked_sets"]["linear"] == prepared.asked["linear"].hash

    # by another implementation: Polars' own group_by over the training rows
    rows = prepared.units[prepared.parts.train]
    prior = rows[TRUTH].mean()
    sums = rows.group_by("shop").agg(pl.col(TRUTH).sum().alias("late"), pl.len().alias("rows"))
    expected = {shop: (late + 5.0 * prior) / (count + 5.0) for shop, late, count in sums.rows()}
    table = next(n for s in bundle.feature_set.steps for n in walk(s.node) if n.op == "map").value
    assert dict(zip(table[0], table[1], strict=True)) == pytest.approx(expected, abs=1e-15)
    assert table[2] == pytest.approx(prior, abs=1e-15)
    late = prepared.units[prepared.parts.test]["feature:shop_risk"]
    assert set(late.unique().to_list()) == set(table[1])
    assert set(rows["feature:shop_risk"].unique().to_list()) != set(table[1])


def test_several_classes_have_no_mean(tmp_path: Path) -> None:
    folder = digits_project.write_project(tmp_path / "digits")
    with (folder / "features.py").open("a", encoding="utf-8") as file:
        file.write(
            "\n\n@ib.feature\ndef risk(p2):\n    return ib.learnt.target_mean(p2.to_integer())\n"
        )
    (folder / "models.py").write_text(
        "import isbjerg as ib\n\nimport features as f\n\n\n"
        "@ib.candidate(features=[f.risk])\ndef linear():\n    return ib.linear()\n",
        encoding="utf-8",
    )
    with (
        opened(folder, SetClock(datetime(2024, 6, 1, tzinfo=UTC))) as (workspace, definitions),
        pytest.raises(DefinitionError, match="no number that has a mean") as fault,
    ):
        run(workspace, definitions)
    assert fault.value.kind_code == "ISB224"
