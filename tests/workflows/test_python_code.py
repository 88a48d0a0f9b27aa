"""Plain Python in features, all the way: run, gate, a real server with and without the code."""

from __future__ import annotations

import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.unit.workflows.kit import SetClock, opened, us
from tests.workflows import small_project
from tests.workflows.server_kit import Server, serve, wait_until

from isbjerg.errors import BundleError
from isbjerg.expressions.pins import pins
from isbjerg.storage.layout import Store
from isbjerg.storage.ledger import LOOKUP_MISSING
from isbjerg.workflows.bundles import load_bundle
from isbjerg.workflows.promote import promote
from isbjerg.workflows.train import RunReport, run

NOW = datetime(2024, 5, 1, tzinfo=UTC)
AS_OF = us(datetime(2024, 4, 8, tzinfo=UTC))

FEATURES = """
SHAPE = re.compile(r"[aeiou]")


def vowels(text):
    return len(SHAPE.findall(text))


@ib.python_feature(returns="float")
def sound(shop, amount):
    if amount > 150.0:
        raise OverflowError(amount)
    return vowels(shop) + amount / 1000.0


@ib.feature
def louder(s=sound):
    return s + 1.0
"""

MODELS = """\
import isbjerg as ib

import features as f


@ib.candidate(features=[f.wind, f.louder, f.at_shop])
def linear():
    return ib.linear()
"""


@pytest.fixture
def orders(tmp_path: Path) -> Path:
    folder = small_project.write_project(tmp_path / "orders")
    path = folder / "features.py"
    path.write_text("import re\n\n" + path.read_text("utf-8") + FEATURES, encoding="utf-8")
    (folder / "models.py").write_text(MODELS, encoding="utf-8")
    return folder


def once(folder: Path) -> RunReport:
    with opened(folder, SetClock(NOW)) as (workspace, definitions):
        return run(workspace, definitions, as_of_us=AS_OF)


def release(folder: Path, version: int) -> None:
    with opened(folder, SetClock(NOW)) as (workspace, _):
        promote(workspace, version)


def edit(folder: Path, old: str, new: str) -> None:
    path = folder / "features.py"
    text = path.read_text("utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_a_run_tells_what_its_python_raised_each_time(orders: Path) -> None:
    large = int((small_project.orders()["amount"] > 150.0).sum())
    assert large  # otherwise this asks nothing
    for _ in range(2):  # the second run remembers what the first has computed
        report = once(orders)
        assert report.verdict.passed, report.verdict.sentence  # gate.parity among others
        (told,) = [f for f in report.findings if f.code == "feature.failed"]
        assert told.subject == "sound"
        assert told.evidence["exception"] == "OverflowError"
        assert 0 < told.evidence["rows"] <= large


def test_an_edit_of_what_is_live_stops_the_gate_and_says_so(orders: Path) -> None:
    once(orders)
    release(orders, 1)
    edit(orders, 'r"[aeiou]"', 'r"[aeiouy]"')
    _forget_deployed()
    report = once(orders)
    finding = next(f for f in report.verdict.findings if f.code == "gate.not_worse_than_live")
    assert not report.verdict.passed
    assert "sound of features.py" in finding.message
    assert "beside it" in finding.mend


def test_a_new_function_beside_the_live_one_is_compared_with_it(orders: Path) -> None:
    once(orders)
    release(orders, 1)
    text = (orders / "features.py").read_text("utf-8")
    (orders / "features.py").write_text(
        text.replace("s=sound", "s=sound_2")
        + '\n\n@ib.python_feature(returns="float")\ndef sound_2(shop):\n    return len(shop)\n',
        encoding="utf-8",
    )
    edit(orders, "@ib.feature\ndef louder(s=sound_2)", "@ib.feature\ndef old(s=sound)")
    with (orders / "features.py").open("a", encoding="utf-8") as file:
        file.write("\n\n@ib.feature\ndef louder(s=sound_2):\n    return s + 1.0\n")
    report = once(orders)
    finding = next(f for f in report.verdict.findings if f.code == "gate.not_worse_than_live")
    assert finding.outcome == "passed", finding.message


class Served:
    """What `serve` needs to know: where the store is."""

    def __init__(self, folder: Path) -> None:
        self.store = Store(folder / ".isbjerg")


def asked(server: Server, shop: str, amount: float) -> dict[str, Any]:
    row = {"order_id": 7, "customer": "c1", "shop": shop, "city": "A", "amount": amount}
    status, given = server.ask("/predict", {"inputs": row})
    assert status == 200, given
    return dict(given)


def raised(given: dict[str, Any]) -> list[dict[str, Any]]:
    """What the project's own functions raised; of the weather nothing is known in these years."""
    found = given.get("findings", [])
    return [f for f in found if f["code"] != LOOKUP_MISSING]


@pytest.mark.slow
def test_a_server_calls_the_code_that_was_judged_and_no_other(orders: Path, tmp_path: Path) -> None:
    once(orders)
    release(orders, 1)
    deployed = tmp_path / "deployed"
    shutil.copytree(orders, deployed, ignore=shutil.ignore_patterns(".isbjerg", "data"))
    project: Any = Served(orders)
    with serve(project, "--project", str(deployed)) as server:
        first = asked(server, "north", 20.0)
        assert (first["model"], raised(first)) == (1, [])
        (told,) = raised(asked(server, "north", 151.0))
        assert (told["code"], told["subject"]) == ("feature.failed", "sound")
        assert told["evidence"] == {"exception": "OverflowError", "rows": 1}
        maps = Path(f"/proc/{server.process.pid}/maps")
        loaded = maps.read_text(encoding="utf-8") if sys.platform == "linux" else ""
        assert not [name for name in ("sqlalchemy", "sklearn", "polars") if f"/{name}" in loaded]

        # a model with other code goes live where that code is; this server has the old code
        _train_anew(orders)
        release(orders, 2)
        wait_until(lambda: server.health()["fault"])
        health = server.health()
        assert health["model"] == 1
        assert "sound_2 of features.py" in health["fault"]
        assert asked(server, "north", 20.0)["score"] == first["score"]
    with serve(project, "--project", str(orders), worker="w2") as server:
        assert asked(server, "north", 20.0)["model"] == 2
    with serve(project, worker="w3") as server:
        assert "which project it serves" in server.health()["fault"]
        assert server.ask("/predict", {"inputs": {}})[0] == 503


def _train_anew(orders: Path) -> None:
    """Train with other code beside that of the live model, with which the gate compares."""
    text = (orders / "features.py").read_text("utf-8")
    new = FEATURES.replace("sound", "sound_2").replace("louder", "louder_2")
    new = new[new.index("@ib.python_feature") :]
    (orders / "features.py").write_text(text + "\n\n" + new, encoding="utf-8")
    (orders / "models.py").write_text(MODELS.replace("f.louder", "f.louder_2"), encoding="utf-8")
    report = once(orders)
    assert report.model_version == 2, report.verdict.sentence


def test_promoting_asks_for_the_code(orders: Path) -> None:
    once(orders)
    with opened(orders, SetClock(NOW)) as (workspace, _):
        bundle, _ = load_bundle(workspace, workspace.catalog.model_version(1).bundle)
    assert [p.name for p in pins([s.node for s in bundle.feature_set.steps])] == ["sound"]
    edit(orders, "amount / 1000.0", "amount / 999.0")
    _forget_deployed()
    with pytest.raises(BundleError, match="other code than the model was trained with"):
        release(orders, 1)


def _forget_deployed() -> None:
    """Stand where a new process stands: nothing is deployed."""
    from isbjerg.expressions import code

    code._DEPLOYED.clear()
