"""Decisions without a time: what is known, which rows count, how they are parted."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import polars as pl
import pytest
from tests.unit.workflows.kit import DAY, START, SetClock, opened, us, write_project

from isbjerg.data.split import PARTS
from isbjerg.errors import DataError, DefinitionError, KnowledgeError
from isbjerg.workflows.contracts import read_contract
from isbjerg.workflows.ingest import ingest
from isbjerg.workflows.parting import folds, parting_findings
from isbjerg.workflows.preparing import Prepared, prepare
from isbjerg.workflows.project_files import load_definitions
from isbjerg.workflows.settle import settle
from isbjerg.workflows.train import run

FRAME = """\
objective = "Know which loans will not be paid back."

[unit]
source = "loans"

[target]
feature = "lost"
kind    = "binary"

[metric]
primary = "brier"
"""

SOURCES = """\
import isbjerg as ib


@ib.source(key="id", known={"*": ib.beforehand()})
def loans():
    return ib.parquet("data/loans.parquet")
"""

FEATURES = """\
import isbjerg as ib


@ib.target
def lost(unpaid):
    return unpaid > 0.0


@ib.feature
def size(amount):
    return amount
"""


def loans(count: int = 400) -> pl.DataFrame:
    """Every third loan is lost, every fifth one is ann's or bob's; none says when."""
    return pl.DataFrame(
        {
            "id": range(count),
            "person": [("ann", "bob")[n % 2] if n % 5 == 0 else f"p{n}" for n in range(count)],
            "amount": [float(n * 7 % 101) + 500 * (n % 3 == 0) for n in range(count)],
            "unpaid": [50.0 if n % 3 == 0 else 0.0 for n in range(count)],
        }
    )


def written(folder: Path, table: pl.DataFrame | None = None, **files: str) -> Path:
    given = {"frame": FRAME, "sources": SOURCES, "features": FEATURES, **files}
    return write_project(folder, loans() if table is None else table, **given)


def prepared(folder: Path) -> Prepared:
    with opened(folder, SetClock(START)) as (workspace, definitions):
        ingest(workspace, definitions)
        version = workspace.catalog.latest_data_version("loans")
        assert version is not None
        contract = read_contract(workspace, "loans")
        return prepare(workspace, definitions, contract, {"loans": version}, us(START))


def people(found: Prepared) -> dict[str, set[str]]:
    units = found.units
    return {name: set(units["person"].gather(getattr(found.parts, name))) for name in PARTS}


def test_rows_are_parted_at_random_and_the_bundle_says_no_time(tmp_path: Path) -> None:
    found = prepared(written(tmp_path))
    sizes = [len(getattr(found.parts, name)) for name in PARTS]
    assert sum(sizes) == 400
    assert min(sizes) > 50
    assert found.unit.at is None
    assert found.counts.say() == "400 of 400 rows can be learnt from."
    test = found.part("test")
    blocks = found.blocks(test)
    assert (blocks.word, blocks.count) == ("rows", test.height)
    assert not set(found.validation.tuning) & set(found.validation.choosing)
    assert len(found.validation.tuning) + len(found.validation.choosing) == sizes[1]


def test_a_feature_cannot_use_the_targets_column_that_a_pattern_declares(tmp_path: Path) -> None:
    leaking = FEATURES.replace("size(amount)", "size(unpaid)").replace("amount", "unpaid")
    with pytest.raises(KnowledgeError, match="'unpaid', which the target is made from"):
        prepared(written(tmp_path / "a", features=leaking))
    named = SOURCES.replace('"*":', '"unpaid": ib.beforehand(), "*":')
    assert prepared(written(tmp_path / "b", features=leaking, sources=named)).units.height == 400


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("ib.afterwards()", "known afterwards by the rule"),
        ('ib.after("id", "1h")', "known at a time by the rule"),
    ],
)
def test_what_is_not_known_beforehand_is_refused(tmp_path: Path, rule: str, message: str) -> None:
    sources = SOURCES.replace('"*":', f'"amount": {rule}, "*":')
    with pytest.raises(KnowledgeError, match=message) as refused:
        prepared(written(tmp_path, sources=sources))
    assert '"amount": ib.beforehand()' in (refused.value.mend or "")


def test_lookups_are_refused_with_a_mend(tmp_path: Path) -> None:
    features = FEATURES.replace(
        "import isbjerg as ib", "import isbjerg as ib\nfrom sources import loans"
    )
    features += """

@ib.feature
def before(past=ib.past(loans, by="person", span="30d")):
    return past.count()
"""
    models = """\
import isbjerg as ib
import features as f

@ib.candidate(features=[f.before])
def counts():
    return ib.linear()
"""
    with pytest.raises(DefinitionError, match="decisions have no time") as refused:
        prepared(written(tmp_path, features=features, models=models))
    assert refused.value.kind_code == "ISB219"
    assert "[unit] at" in (refused.value.mend or "")


def test_a_group_never_straddles_parts_and_is_a_block(tmp_path: Path) -> None:
    grouped = FRAME + '\n[split]\ngroup = "person"\n'
    found = prepared(written(tmp_path, frame=grouped))
    by_part = people(found)
    assert not by_part["train"] & by_part["test"]
    assert not by_part["train"] & by_part["validation"]
    assert not by_part["validation"] & by_part["test"]
    test = found.part("test")
    assert found.blocks(test).count == test["person"].n_unique()
    assert found.blocks(test).word == "groups"
    cut = [set(found.part(name)["person"]) for name in ("tuning", "choosing")]
    assert not cut[0] & cut[1]


def test_folds_for_learning_keep_groups_whole_too(tmp_path: Path) -> None:
    """One fold would let each row be taught by itself."""
    grouped = FRAME + '\n[split]\ngroup = "person"\n'
    found = prepared(written(tmp_path, frame=grouped))
    train = found.part("train")
    numbers = folds(train, found.frame, ["id"])
    assert set(numbers) == set(range(10))
    by_person = train.with_columns(fold=numbers).group_by("person").agg(pl.col("fold").n_unique())
    assert by_person["fold"].max() == 1


def test_a_subject_in_several_parts_is_a_finding_and_its_mend_ends_it(tmp_path: Path) -> None:
    about = FRAME.replace('source = "loans"', 'source = "loans"\nsubject = "person"')
    found = prepared(written(tmp_path / "a", frame=about))
    told = list(parting_findings(found.units, found.parts, found.frame))
    (subject,) = [f for f in told if f.code == "split.subject"]
    # Only ann and bob come more than once, 40 rows each.
    test = set(found.part("test")["person"]) & {"ann", "bob"}
    rows = found.part("test").filter(pl.col("person").is_in(test)).height
    assert subject.evidence == {"rows": rows, "of": len(found.parts.test)}
    assert subject.mend == '[split] group = "person" in frame.toml'
    mended = prepared(written(tmp_path / "b", frame=about + '\n[split]\ngroup = "person"\n'))
    told = list(parting_findings(mended.units, mended.parts, mended.frame))
    assert "split.subject" not in {f.code for f in told}


def test_repeated_rows_are_counted(tmp_path: Path) -> None:
    """Amounts repeat every 303 rows: 97 of 400 are there twice, with the same outcome."""
    found = prepared(written(tmp_path))
    seen: dict[float, set[str]] = {}
    for name in PARTS:
        for amount in found.units["amount"].gather(getattr(found.parts, name)):
            seen.setdefault(amount, set()).add(name)
    test = found.part("test")["amount"]
    twice = sum("train" in seen[amount] for amount in test)
    (told,) = [
        f
        for f in parting_findings(found.units, found.parts, found.frame)
        if f.code == "split.repeated"
    ]
    assert twice > 0
    assert told.evidence == {"rows": twice, "of": len(test)}


def test_a_group_that_is_no_column_is_told_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(DefinitionError, match="does not have") as refused:
        prepared(written(tmp_path, frame=FRAME + '\n[split]\ngroup = "persons"\n'))
    assert refused.value.mend == 'group = "person"'


def test_one_group_for_all_leaves_parts_empty(tmp_path: Path) -> None:
    same = loans().with_columns(person=pl.lit("ann"))
    with pytest.raises(DataError, match="part has no rows"):
        prepared(written(tmp_path, same, frame=FRAME + '\n[split]\ngroup = "person"\n'))


def test_the_record_of_a_run_names_its_split(tmp_path: Path) -> None:
    folder = written(tmp_path)
    with opened(folder, SetClock(START)) as (workspace, definitions):
        first, again = (run(workspace, definitions) for _ in range(2))
        recorded = workspace.catalog.run(first.run)
    assert recorded is not None
    assert recorded.report["parts"]["hash"] == first.parts.hash == again.parts.hash
    assert len(first.parts.hash) == 64
    assert first.parts.how == "random"
    text = (folder / "frame.toml").read_text() + "\n[split]\nseed = 5\n"
    (folder / "frame.toml").write_text(text)
    with opened(folder, SetClock(START)) as (workspace, definitions):
        assert run(workspace, definitions).parts.hash != first.parts.hash


def test_a_settled_outcome_counts_from_when_it_came_in(tmp_path: Path) -> None:
    open_ones = loans().with_columns(unpaid=pl.when(pl.col("id") >= 10).then(pl.col("unpaid")))
    folder = written(tmp_path, open_ones)
    outcomes = loans(10).select("id", "unpaid")
    outcomes.write_csv(tmp_path / "outcomes.csv")
    clock = SetClock(START)
    with opened(folder, clock) as (workspace, definitions):
        assert run(workspace, definitions).counts.without_outcome == 10
        clock.set(START + DAY)
        settled = settle(workspace, definitions, tmp_path / "outcomes.csv")
        assert settled.facts == 10
        clock.set(START + 2 * DAY)
        counts = run(workspace, definitions).counts
        assert (counts.usable, counts.without_outcome) == (400, 0)
        before = run(workspace, definitions, as_of_us=us(START) + 1).counts
        assert before.without_outcome == 10


def test_inputs_are_those_of_the_row_although_its_outcome_came_first(tmp_path: Path) -> None:
    """Outcome settled for a row that the file has only later: the file's inputs count."""
    folder = written(tmp_path, loans(390))
    late = loans().tail(10)
    late.select("id", "unpaid").write_csv(tmp_path / "outcomes.csv")
    clock = SetClock(START)
    with opened(folder, clock) as (workspace, definitions):
        ingest(workspace, definitions)
        settle(workspace, definitions, tmp_path / "outcomes.csv")
    loans().write_parquet(folder / "data" / "loans.parquet")
    os.utime(folder / "data" / "loans.parquet")
    clock.set(START + DAY)
    with opened(folder, clock) as (workspace, definitions):
        ingest(workspace, definitions)
        version = workspace.catalog.latest_data_version("loans")
        assert version is not None
        contract = read_contract(workspace, "loans")
        found = prepare(workspace, definitions, contract, {"loans": version}, us(START + 2 * DAY))
    newest = found.units.sort("id").tail(10)
    assert newest["amount"].to_list() == late["amount"].to_list()


def test_a_dated_project_cannot_say_afterwards(tmp_path: Path) -> None:
    dated = FRAME.replace('source = "loans"', 'source = "loans"\nat = "asked"')
    sources = SOURCES.replace('"*":', '"unpaid": ib.afterwards(), "*":')
    table = loans().with_columns(asked=pl.lit(START))
    with pytest.raises(DefinitionError, match="not how long after") as refused:
        prepared(written(tmp_path, table, frame=dated, sources=sources))
    assert refused.value.mend == '"unpaid": ib.after("asked", "1d")'


def test_a_split_at_random_over_time_is_told(tmp_path: Path) -> None:
    dated = FRAME.replace('source = "loans"', 'source = "loans"\nat = "asked"')
    sources = SOURCES.replace('"*":', '"unpaid": "asked", "*":')
    table = loans().with_columns(asked=pl.lit(START - DAY) - pl.duration(hours="id"))
    found = prepared(
        written(tmp_path, table, frame=dated + '\n[split]\nhow = "random"\n', sources=sources)
    )
    told = {f.code for f in parting_findings(found.units, found.parts, found.frame)}
    assert "split.order" in told
    assert found.blocks(found.part("test")).word == "hours"


def test_the_frame_alone_decides(tmp_path: Path) -> None:
    frame = load_definitions(written(tmp_path)).frame
    assert frame.split_how == "random"
    assert (
        msgspec.structs.replace(
            frame, split=msgspec.structs.replace(frame.split, how="time")
        ).split_how
        == "time"
    )
