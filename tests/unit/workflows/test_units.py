from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import msgspec
import polars as pl
import pytest
from tests.unit.workflows.kit import (
    DAY,
    FEATURES,
    FRAME,
    SOURCES,
    START,
    SetClock,
    loans,
    opened,
    us,
    write_project,
)

from isbjerg.data.contract import Contract, Field
from isbjerg.errors import DataError, DefinitionError, KnowledgeError
from isbjerg.expressions.tree import Type
from isbjerg.frame.frame import Split
from isbjerg.frame.reading import read_frame
from isbjerg.workflows.contracts import read_contract
from isbjerg.workflows.ingest import ingest
from isbjerg.workflows.parting import part_units
from isbjerg.workflows.preparing import Prepared, prepare
from isbjerg.workflows.project_files import load_definitions
from isbjerg.workflows.units import AT, TRUTH, TRUTH_KNOWN, Selected, select_units, typed_target

COLUMNS = {
    "id": Type.INTEGER, "asked": Type.INSTANT, "person": Type.TEXT,
    "amount": Type.FLOAT, "unpaid": Type.FLOAT, "closed": Type.INSTANT,
}  # fmt: skip
SPLIT = "\n[split]\nvalidation = 0.3\ntest = 0.3\n"
NO_RULES = Contract(table="loans", key=("id",), fields=())


def day(number: int) -> datetime:
    return START + number * DAY


def facts(*versions: tuple[pl.DataFrame, int | None, int]) -> pl.DataFrame:
    """Facts of several ingests: rows, the day they came in live or None, the day of the ingest."""
    made, row = [], 0
    for table, live, ingested in versions:
        made.append(
            table.with_columns(
                pl.lit(None if live is None else day(live), pl.Datetime("us", "UTC")).alias(
                    "_live_at"
                ),
                pl.lit(day(ingested), pl.Datetime("us", "UTC")).alias("_ingested_at"),
                pl.int_range(row, row + table.height, dtype=pl.Int64).alias("_row"),
            )
        )
        row += table.height
    return pl.concat(made)


@pytest.fixture
def select(tmp_path: Path):
    definitions = load_definitions(write_project(tmp_path))
    target = typed_target(definitions.target, definitions.decision, {"loans": COLUMNS}, "binary")

    def chosen(
        table: pl.DataFrame,
        as_of: int,
        contract: Contract = NO_RULES,
        columns: Sequence[str] = ("amount",),
    ) -> Selected:
        return select_units(
            table, definitions.decision, target, columns, as_of_us=us(day(as_of)), contract=contract
        )

    return chosen


def test_outcomes_not_known_yet_are_left_out_and_counted(select) -> None:
    # On day 12 loans 1 to 5 are closed before it: loan n closes on day n + 6. Loan 6 closes
    # on day 12 itself, which is not before it.
    units, counts, _ = select(facts((loans(15), None, 60)), 12)
    assert units["id"].to_list() == [1, 2, 3, 4, 5]
    assert units[TRUTH].to_list() == [False, False, True, False, False]
    assert units[TRUTH_KNOWN].to_list() == [day(n + 6) for n in (1, 2, 3, 4, 5)]
    # Loan 13 is asked for on day 12 exactly: its decision is not before it.
    assert (counts.rows, counts.usable, counts.undecided, counts.without_outcome) == (15, 5, 3, 7)
    assert counts.say().startswith("5 of 15 rows")


def test_a_missing_outcome_is_no_negative(select) -> None:
    table = loans(5, unpaid=[0.0, None, 50.0, 0.0, 0.0])
    units, counts, _ = select(facts((table, None, 60)), 60)
    assert units["id"].to_list() == [1, 3, 4, 5]
    assert counts.without_outcome == 1


def test_inputs_are_the_first_words_and_the_outcome_the_last(select) -> None:
    late = loans(3).with_columns(amount=pl.lit(9.0), unpaid=pl.lit(1.0))
    units, _, _ = select(facts((loans(3), None, 20), (late, 30, 30)), 40)
    assert units["amount"].to_list() == [100.0, 200.0, 300.0]
    assert units[TRUTH].to_list() == [True, True, True]
    assert units[TRUTH_KNOWN].to_list() == [day(30)] * 3


def test_a_correction_of_another_column_leaves_the_outcome_known_since_it_was_told(select) -> None:
    other = loans(3).with_columns(person=pl.col("person").str.to_uppercase())
    units, counts, _ = select(facts((loans(3), None, 20), (other, 30, 30)), 40)
    assert units[TRUTH_KNOWN].to_list() == [day(7), day(8), day(9)]
    assert counts.usable == 3


def test_an_outcome_is_known_since_the_last_time_that_it_changed(select) -> None:
    """Told, taken back, told again, then another column is corrected: known since it was told again."""
    paid, owed = loans(1, unpaid=[0.0]), loans(1, unpaid=[7.0])
    other = paid.with_columns(person=pl.lit("x"))
    told = facts((paid, None, 20), (owed, 25, 25), (paid, 30, 30), (other, 35, 35))
    units, _, _ = select(told, 40)
    assert units[TRUTH].to_list() == [False]
    assert units[TRUTH_KNOWN].to_list() == [day(30)]


def test_an_outcome_that_came_before_its_row_does_not_leave_it_undecided(select) -> None:
    """Settled for a unit that nobody predicted: at first the outcome is all that is known."""
    bare = loans(1).with_columns(
        asked=pl.lit(None, pl.Datetime("us", "UTC")), amount=pl.lit(None, pl.Float64)
    )
    units, counts, _ = select(facts((bare, 20, 20), (loans(1), 30, 30), (loans(3), None, 40)), 60)
    assert units["amount"].to_list() == [100.0, 200.0, 300.0]
    assert units[AT].to_list() == [day(0), day(1), day(2)]
    assert counts.undecided == 0


def test_a_correction_after_the_runs_time_is_not_seen(select) -> None:
    late = loans(3).with_columns(unpaid=pl.lit(1.0))
    units, counts, _ = select(facts((loans(3), None, 20), (late, 30, 30)), 30)
    assert units[TRUTH].to_list() == [False, False, True]
    assert units[TRUTH_KNOWN].to_list() == [day(7), day(8), day(9)]
    assert counts.without_outcome == 0


def test_a_withdrawn_outcome_is_not_trusted(select) -> None:
    withdrawn = loans(1).with_columns(
        unpaid=pl.lit(None, pl.Float64), closed=pl.lit(None, pl.Datetime("us", "UTC"))
    )
    units, counts, _ = select(facts((loans(3), None, 20), (withdrawn, 30, 30)), 40)
    assert units["id"].to_list() == [2, 3]
    assert counts.without_outcome == 1


def test_a_row_that_came_in_live_has_its_outcome_from_then_on(select) -> None:
    table = facts((loans(3), 50, 50))
    with pytest.raises(DataError, match="3 have no known outcome"):
        select(table, 50)
    units, _, _ = select(table, 51)
    assert units[TRUTH_KNOWN].to_list() == [day(50)] * 3
    assert units[AT].to_list() == [day(0), day(1), day(2)]  # the caller knew the row by then


def test_a_row_posted_with_a_high_number_is_older_than_a_later_read(select) -> None:
    posted = facts((loans(1, unpaid=[9.0]), 10, 20)).with_columns(_row=pl.lit(2**62 + 1))
    read = facts((loans(1, unpaid=[0.0]), 30, 30))
    units, _, _ = select(pl.concat([posted, read]), 60)
    assert units[TRUTH].to_list() == [False]


def test_null_decision_times_and_equal_ones(select) -> None:
    table = (
        loans(4)
        .with_columns(asked=pl.Series([None, START, START, START], dtype=pl.Datetime("us", "UTC")))
        .reverse()
    )
    units, counts, _ = select(facts((table, None, 60)), 60)
    assert units["id"].to_list() == [2, 3, 4]  # equal times in the order of the key
    assert counts.undecided == 1


def test_null_keys_are_one_key(select) -> None:
    table = loans(3, id=[None, None, 3])
    units, counts, _ = select(facts((table, None, 60)), 60)
    assert units["id"].to_list() == [None, 3]
    assert counts.rows == 2


def test_units_that_break_todays_contract_are_left_out_and_counted(select) -> None:
    tight = Contract(
        table="loans", key=("id",), rows_minimum=1000,
        fields=(
            Field(name="amount", type=Type.FLOAT, maximum=200),
            Field(name="elsewhere", type=Type.TEXT, required=True),
        ),
    )  # fmt: skip
    mended = loans(4).tail(1).with_columns(amount=pl.lit(50.0))
    broken = loans(1).with_columns(amount=pl.lit(9000.0))
    table = facts((loans(4), None, 20), (mended, 30, 30), (broken, 30, 30))
    read = table.drop("person")  # a column that no rung reads is not asked for
    units, counts, findings = select(read, 60, tight)
    # 3 and 4 broke it when they were first said, 1 in its newest word.
    assert units["id"].to_list() == [2]
    assert (counts.usable, counts.breaking, counts.without_outcome) == (1, 3, 0)
    assert counts.say().endswith("3 break the contract.")
    assert [(f.code, f.subject) for f in findings] == [("contract.range", "loans.amount")]


def test_the_target_must_be_of_the_frames_kind(tmp_path: Path) -> None:
    definitions = load_definitions(write_project(tmp_path))
    with pytest.raises(DefinitionError) as it:
        typed_target(definitions.target, definitions.decision, {"loans": COLUMNS}, "regression")
    assert it.value.kind_code == "ISB216"


# Preparing


def prepared(folder: Path, as_of: int = 60) -> Prepared:
    with opened(folder, SetClock(day(60))) as (workspace, definitions):
        ingest(workspace, definitions)
        version = workspace.catalog.latest_data_version("loans")
        assert version is not None
        contract = read_contract(workspace, "loans")
        return prepare(workspace, definitions, contract, {"loans": version}, us(day(as_of)))


def test_prepared_units_have_every_rungs_features(tmp_path: Path) -> None:
    models = """
import isbjerg as ib
import features as f

@ib.candidate(features=[f.size, f.lost_before])
def small():
    return ib.linear()
"""
    found = prepared(write_project(tmp_path, loans(40), models=models, frame=FRAME + SPLIT))
    assert list(found.sets) == ["constant", "small"]
    assert found.units["feature:size"].to_list() == [100.0 * n for n in range(1, 41)]
    # Loan 3 (ann, lost) closes on day 9: ann's loan of day 10 (11) sees it, that of day 8 (9)
    # does not. Loan 9 (ann) closes on day 15. Loans 6, 12 (bob) close on days 12 and 18.
    by_id = dict(zip(found.units["id"], found.units["feature:lost_before"], strict=True))
    assert [by_id[n] for n in (1, 9, 11, 15, 17, 13)] == [0, 0, 1, 1, 2, 1]
    assert [by_id[n] for n in (2, 12, 14, 20)] == [0, 0, 1, 2]


def test_the_split_purges_what_was_known_too_late() -> None:
    units = pl.DataFrame(
        {AT: [day(n) for n in range(20)], TRUTH_KNOWN: [day(n + 2) for n in range(20)]}
    )
    dates = Split(validation_from_us=us(day(10)), test_from_us=us(day(15)))
    parts = part_units(units, msgspec.structs.replace(read_frame(FRAME), split=dates), ["id"])
    # Of days 0 to 9 those known before day 10, of days 10 to 14 those known before day 15.
    assert list(parts.train) == list(range(8))
    assert list(parts.validation) == [10, 11, 12]
    assert list(parts.test) == [15, 16, 17, 18, 19]


def test_an_empty_part_is_refused_by_its_name(tmp_path: Path) -> None:
    dates = '[split]\nvalidation_from = "2024-01-10"\ntest_from = "2030-01-01"\n'
    with pytest.raises(DataError) as it:
        prepared(write_project(tmp_path, loans(40), frame=FRAME + "\n" + dates))
    assert it.value.kind_code == "ISB313"
    assert it.value.message.startswith("The test part has no rows")


def test_a_column_known_too_late_in_some_rows_is_refused_with_their_share(tmp_path: Path) -> None:
    sources = SOURCES.replace('"amount": ib.ahead("1h")', '"amount": "scored", "scored": "scored"')
    # Known at the decision itself is too late; loan 1 has no decision and is not counted.
    scored = [START] + [START + (n - 1) * DAY for n in range(2, 4)] + [START - DAY] * 38
    table = loans(41, scored=scored).with_columns(
        asked=pl.when(pl.col("id") > 1).then("asked"),
        scored=pl.when(pl.col("id") > 1).then("scored"),
    )
    folder = write_project(tmp_path / "late", table, sources=sources, frame=FRAME + SPLIT)
    with pytest.raises(KnowledgeError) as it:
        prepared(folder)
    assert it.value.facts == {"column": "amount", "share": 0.05}  # 2 of 40
    mended = table.with_columns(scored=pl.col("asked") - DAY)
    clean = write_project(tmp_path / "clean", mended, sources=sources, frame=FRAME + SPLIT)
    assert prepared(clean).counts.undecided == 1


def test_a_column_known_after_the_decision_is_refused_by_its_rule(tmp_path: Path) -> None:
    features = FEATURES.replace(
        "def size(amount):\n    return amount", "def size(unpaid):\n    return unpaid"
    )
    with pytest.raises(KnowledgeError):
        prepared(write_project(tmp_path, loans(40), features=features))
