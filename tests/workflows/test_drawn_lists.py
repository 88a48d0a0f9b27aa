"""Lists without a time: drawn at random as wholes, learnt, and measured list by list."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from tests.workflows import ranking_project

import isbjerg as ib

FRAME = """\
objective = "Show first what will be bought."

[unit]
source = "offers"

[target]
feature = "bought"
kind    = "ranking"
group   = "search"

[metric]
primary = "mrr"
"""
SOURCES = """\
import isbjerg as ib


@ib.source(key="offer", known={c: ib.ahead("1h") for c in ("offer", "search", "price")})
def offers():
    return ib.parquet("data/offers.parquet")
"""
FEATURES = """\
import isbjerg as ib


@ib.target
def bought(bought_flag):
    return bought_flag


@ib.feature
def euros(price):
    return price
"""
MODELS = """\
import isbjerg as ib

import features as f


@ib.candidate(features=[f.euros])
def linear():
    return ib.linear()
"""


def test_lists_are_drawn_whole(tmp_path: Path) -> None:
    folder = tmp_path / "p"
    (folder / "data").mkdir(parents=True)
    rng = np.random.default_rng(0)
    price = rng.gamma(3.0, 10.0, 1_500)
    search = np.repeat(np.arange(250), 6)
    cheap = pl.DataFrame({"search": search, "price": price}).select(
        pl.col("price") == pl.col("price").min().over("search")
    )["price"]
    bought = np.where(rng.random(1_500) < 0.2, rng.random(1_500) < 0.2, cheap.to_numpy())
    pl.DataFrame(
        {"offer": range(1_500), "search": search, "price": price, "bought_flag": bought}
    ).write_parquet(folder / "data" / "offers.parquet")
    texts = {
        "frame.toml": FRAME,
        "sources.py": SOURCES,
        "features.py": FEATURES,
        "models.py": MODELS,
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    report = ib.Project(folder).run(as_of=ranking_project.AS_OF)
    parts = report.parts
    assert [size % 6 for size in (parts.train, parts.validation, parts.test)] == [0, 0, 0]
    assert not any(f.failed for f in report.findings if f.code == "target.torn_list")
    found = report.ladder.row("linear").metrics["mrr"]
    constant = report.ladder.row("constant").metrics["mrr"]
    assert found.blocks * 6 <= parts.test
    assert found.word == "lists"
    assert found.low > constant.high


@pytest.mark.slow
def test_two_runs_of_a_ranking_are_compared_list_by_list(tmp_path: Path) -> None:
    folder = ranking_project.write_project(tmp_path / "p")
    project = ib.Project(folder)
    first = project.run(as_of=ranking_project.AS_OF)
    fewer = ranking_project.MODELS.replace("num_iterations=60", "num_iterations=2")
    (folder / "models.py").write_text(fewer)
    second = project.run(as_of=ranking_project.AS_OF)
    found = project.compare(first.run, second.run)
    assert not found.not_compared
    lines = {line.metric: line for line in found.metrics}
    paired = lines["ndcg@3"].paired
    assert paired is not None
    # both runs measured the same lists, so the paired difference is that of their own numbers
    assert paired.difference == pytest.approx(lines["ndcg@3"].after - lines["ndcg@3"].before)
