"""Files that version 1 of each store wrote can still be read; the files are never edited.

Each was written once by the `fill_` function of this file that stands before its test, then
packed (`PRAGMA page_size = 512; VACUUM; PRAGMA journal_mode = DELETE`).
"""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec
import pytest

from isbjerg.data.manifest import DataVersion, Part
from isbjerg.expressions.tree import Node, Type
from isbjerg.features.contributing import SlotFact
from isbjerg.features.keys import key_text, match_text
from isbjerg.features.sets import FeatureSet, Known, Slot, Step
from isbjerg.storage.catalog.catalog import Catalog
from isbjerg.storage.catalog.records import MetricRow, ModelVersion, VerdictRecord
from isbjerg.storage.following import Follower
from isbjerg.storage.ledger import Ledger
from isbjerg.storage.online import POSTED_ROW_FIRST, OnlineStore, PostedFact
from isbjerg.storage.outcomes import Outcome, Outcomes

GOLDEN = Path(__file__).parents[2] / "golden"
STORAGE = GOLDEN / "storage"

WIND = Slot(
    name="newest(weather.wind by origin, within 6h) #00000001",
    kind="newest",
    source="weather",
    on=(("origin", "origin"),),
    key=("origin", "hour_utc"),
    known=(Known("hour_utc", 3_600_000_000),),
    value=Node("column", value="wind", type=Type.FLOAT),
    type=Type.FLOAT,
    max_age_us=21_600_000_000,
)
LATE = Slot(
    name="past(flights.late.mean by carrier, span 1d, every 5m) #00000002",
    kind="past",
    source="flights",
    on=(("carrier", "carrier"),),
    key=("id",),
    known=(Known("landed_utc"),),
    value=Node("column", value="late", type=Type.BOOLEAN),
    type=Type.FLOAT,
    refresh_us=300_000_000,
    aggregate="mean",
    span_us=86_400_000_000,
)
SET = FeatureSet(
    columns=(("origin", Type.TEXT), ("carrier", Type.TEXT), ("distance", Type.INTEGER)),
    slots=(WIND, LATE),
    steps=(
        Step("wind", Node("slot", value=WIND.name, type=Type.FLOAT)),
        Step("carrier_late", Node("slot", value=LATE.name, type=Type.FLOAT)),
        Step(
            "risk",
            Node(
                "add",
                (
                    Node("feature", value="carrier_late", type=Type.FLOAT),
                    Node("literal", value=0.5, type=Type.FLOAT),
                ),
                type=Type.FLOAT,
            ),
        ),
    ),
    outputs=("wind", "risk"),
    format_version=1,
)
SET_HASH = "cb84f3ae7d3018610dc35b9a74a3119a4bcbc7c9ee5c3aedc8368ae83c901204"


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    """Copy the files: opening one may change its journal."""
    for file in STORAGE.glob("*.db"):
        shutil.copy(file, tmp_path)
    return tmp_path


def test_a_feature_set_of_version_1_is_read_and_written_as_it_was() -> None:
    content = (GOLDEN / "feature-set-v1.json").read_bytes()
    assert msgspec.json.decode(content, type=FeatureSet) == SET
    assert SET.hash == SET_HASH  # its name in catalogs and bundles


def fill_online(path: Path) -> None:
    online = OnlineStore(path)
    online.register(WIND, {"origin": Type.TEXT, "hour_utc": Type.INSTANT}, complete_from_us=5)
    online.register(LATE, {"carrier": Type.TEXT, "id": Type.INTEGER})
    jfk, key = match_text(["JFK"]), key_text(["JFK", 0])
    facts = [SlotFact(jfk, key, 10, 10, 0, 7.5), SlotFact(None, key_text(["LGA", 0]), 10, 10, 1, 1)]
    online.feed(WIND.name, facts, data_version="weather@v1")
    online.feed(LATE.name, [SlotFact(match_text(["UA"]), key_text([1]), 20, 20, 0, value=True)])
    for late in (False, None):
        with online.posting("flights") as posting:
            told = {"id": 2, "carrier": "UA", "late": late}
            fact = (match_text(["UA"]), key_text([2]), 30, 35)
            posting.add(
                key_text([2]), told, 35, lambda row, f=fact, v=late: [(LATE.name, (*f, row, v))]
            )
    online.absorb([POSTED_ROW_FIRST + 1], "flights@v2")
    online.close()


def test_an_online_store_of_version_1_is_read(stored: Path) -> None:
    online = OnlineStore(stored / "online-v1.db")
    wind, late = online.slots()
    assert (wind.slot, wind.complete_from_us) == (WIND, 5)
    assert wind.columns == {"origin": Type.TEXT, "hour_utc": Type.INSTANT}
    assert (late.slot, late.complete_from_us) == (LATE, None)
    assert online.fed(WIND.name) == {"weather@v1"}
    told = {"id": 2, "carrier": "UA", "late": None}
    assert online.posted("flights") == [PostedFact(POSTED_ROW_FIRST + 2, told, 35)]
    online.close()
    follower = Follower(stored / "online-v1.db")
    newest, past = follower.read_through(WIND), follower.read_through(LATE)
    assert [newest.value((o,), 11) for o in ("JFK", "LGA")] == [7.5, None]
    assert past.value(("UA",), 300_000_000) == 1.0  # 1 was late; 2 was not, then not known
    follower.close()


def fill_outcomes(path: Path, ledger: Ledger) -> None:
    outcomes = Outcomes(path, lambda: 99)

    def one(ref: str, value: object, known_us: int) -> Outcome:
        return Outcome(by="unit", ref=ref, value=value, known_us=known_us)

    known = next(ledger.scan()).unit_key
    outcomes.settle([one(known, True, 50), one('["x"]', 2.5, 51)], source="f1", ledger=ledger)
    outcomes.settle([one(known, None, 60)], source="f2", ledger=ledger)


def test_outcomes_of_version_1_are_read(stored: Path) -> None:
    (stored / "ledger").mkdir()
    shutil.copy(stored / "ledger-v1.db", stored / "ledger" / "w1.db")
    prediction = next(Ledger(stored / "ledger").scan())
    outcomes = Outcomes(stored / "outcomes-v1.db", lambda: 100)
    history = outcomes.history("unit", prediction.unit_key)
    assert [(o.n, o.value, o.known_us, o.settled_us) for o in history] == [
        (1, True, 50, 99),
        (3, None, 60, 99),
    ]
    assert [(o.source, o.corrects, o.matched) for o in history] == [
        ("f1", None, True),
        ("f2", 1, True),
    ]
    assert outcomes.newest([prediction])[prediction.id] == history[-1]
    assert [(o.ref, o.value) for o in outcomes.unmatched()] == [('["x"]', 2.5)]


VERSION = DataVersion(
    id="flights@v1",
    table="flights",
    number=1,
    parent=None,
    parts=(Part("ab" * 32, 3, 100),),
    schema=(("id", Type.INTEGER), ("carrier", Type.TEXT)),
    key=("id",),
    source="flights.parquet",
    fingerprint="f0",
    rows=3,
    at_us=7,
    live=True,
    new=3,
)


def fill_catalog(path: Path) -> None:
    with Catalog.open(path, lambda: 7) as catalog:
        catalog.record_frame("f1", "m1", {"objective": "Tell"})
        catalog.record_feature_set(SET)
        assert catalog.reserve_rows("flights", 3) == 0
        catalog.record_data_version(VERSION)
        run = catalog.start_run(frame_hash="f1", measure_hash="m1", seed=5, note="first")
        run = msgspec.structs.replace(
            run, chosen="boosted", data_versions={"flights": "flights@v1"}, report={"rows": 3}
        )
        finding = {"code": "gate.parity", "outcome": "passed"}
        catalog.finish_run(
            run,
            metrics=[
                MetricRow(
                    run="r1",
                    rung="boosted",
                    split="test",
                    metric="brier",
                    value=0.1,
                    low=0.05,
                    high=0.2,
                    n=3,
                )
            ],
            verdict=VerdictRecord(run="r1", rung="boosted", passed=True, findings=[finding]),
            model=ModelVersion(
                name="late", bundle="cd" * 32, run="r1", rung="boosted", card={"rows": 3}
            ),
        )
        catalog.assign(
            "live",
            1,
            by="ops",
            why="better",
            build_plan=lambda epoch, routes: {"epoch": epoch, "routes": [v.id for _, v in routes]},
            act="promote",
        )


def test_a_catalog_of_revision_1_is_read(stored: Path) -> None:
    with Catalog.open(stored / "catalog-0001.db", lambda: 8) as catalog:
        assert catalog.frame("f1") == b'{"objective":"Tell"}'
        assert msgspec.json.decode(catalog.feature_set(SET_HASH), type=FeatureSet) == SET
        assert catalog.latest_data_version("flights") == VERSION
        assert catalog.parts("flights") == {"ab" * 32}
        assert catalog.reserve_rows("flights", 1) == 3
        run = catalog.run("r1")
        assert (run.status, run.chosen, run.verdict, run.seed) == ("finished", "boosted", "d1", 5)
        assert (run.data_versions, run.report) == ({"flights": "flights@v1"}, {"rows": 3})
        assert [(m.metric, m.value, m.low, m.high, m.n) for m in catalog.metrics("r1")] == [
            ("brier", 0.1, 0.05, 0.2, 3)
        ]
        verdict = catalog.verdict("d1")
        assert verdict.passed
        assert verdict.findings == [{"code": "gate.parity", "outcome": "passed"}]
        model = catalog.model_version(1)
        assert (model.id, model.bundle, model.card) == ("v1", "cd" * 32, {"rows": 3})
        live, plan = catalog.live(), catalog.latest_plan()
        assert live is not None
        assert plan is not None
        assert (live.version, live.by, live.why, live.from_us) == (1, "ops", "better", 7)
        assert (plan.epoch, plan.payload) == (1, {"epoch": 1, "routes": ["v1"]})
        assert [(a.act, a.who, a.subject) for a in catalog.audit()] == [("promote", "ops", "v1")]
