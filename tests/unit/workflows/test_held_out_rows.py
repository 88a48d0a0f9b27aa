"""Which outcomes have a say in a fit: those of training and of tuning rows, and no others."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import polars as pl
import pytest
from tests.unit.workflows.kit import SetClock, opened
from tests.workflows import small_project

from isbjerg.frame.frame import Frame
from isbjerg.times import parse_instant
from isbjerg.workflows import train
from isbjerg.workflows.contracts import read_contract
from isbjerg.workflows.fitting import FittedRung, fit_rung
from isbjerg.workflows.holding_out import Part
from isbjerg.workflows.preparing import Prepared, prepare
from isbjerg.workflows.units import TRUTH

AS_OF = parse_instant(small_project.AS_OF)
SEARCHED = """\
    return ib.search(
        ib.boosted_trees(num_iterations=20, num_leaves=4),
        over={"num_leaves": (2, 16)}, trials=4,
    )
"""


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> tuple[Prepared, Frame, Path]:
    """A ladder whose trees stop early and are searched for."""
    folder = small_project.write_project(tmp_path_factory.mktemp("held") / "orders")
    models = folder / "models.py"
    text = models.read_text(encoding="utf-8")
    plain = "    return ib.boosted_trees(num_iterations=20, num_leaves=4)\n"
    assert plain in text
    models.write_text(text.replace(plain, SEARCHED), encoding="utf-8")
    with opened(folder, SetClock("2024-05-01")) as (workspace, definitions):
        train.run(workspace, definitions, as_of_us=AS_OF)
        made = prepare(
            workspace,
            definitions,
            read_contract(workspace, "orders"),
            train._versions(workspace, definitions),
            AS_OF,
        )
    return made, definitions.frame, folder


def turned(prepared: Prepared, part: Part) -> Prepared:
    """The same rows, with the outcomes of one part turned round."""
    places = {
        "train": prepared.parts.train,
        "tuning": prepared.validation.tuning,
        "choosing": prepared.validation.choosing,
        "test": prepared.parts.test,
    }[part]
    here = pl.int_range(prepared.units.height, eager=True).is_in(places.cast(pl.Int64).implode())
    truth = prepared.units[TRUTH]
    units = prepared.units.with_columns(truth.zip_with(~here, ~truth))
    return dataclasses.replace(prepared, units=units)


def fitted(made: tuple[Prepared, Frame, Path], part: Part | None, rung: str) -> FittedRung:
    prepared, frame, folder = made
    return fit_rung(rung, turned(prepared, part) if part else prepared, frame, folder)


@pytest.mark.parametrize("rung", ["constant", "linear", "trees"])
def test_rows_that_choose_and_measure_have_no_say_in_a_fit(
    prepared: tuple[Prepared, Frame, Path], rung: str
) -> None:
    first = fitted(prepared, None, rung)
    for part in ("choosing", "test"):
        again = fitted(prepared, part, rung)
        assert again.files == first.files, part
        assert again.searched is None or again.searched.chosen == first.searched.chosen
    assert fitted(prepared, "train", rung).files != first.files


def test_tuning_rows_decide_when_trees_stop_and_which_are_the_answer(
    prepared: tuple[Prepared, Frame, Path],
) -> None:
    first, again = (fitted(prepared, part, "trees") for part in (None, "tuning"))
    assert [t.score for t in again.searched.trials] != [t.score for t in first.searched.trials]
