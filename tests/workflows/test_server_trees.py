"""A server of boosted trees: the bits of LightGBM, in a process that does not hold LightGBM's package."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from tests.workflows.server_kit import Project, serve

from isbjerg.data.contract import Field
from isbjerg.expressions.tree import Node, Type
from isbjerg.features.sets import FeatureSet, Known, Step
from isbjerg.models import boosted, encoding
from isbjerg.models import bundle as bundles

NAMES = tuple(f"x{n}" for n in range(10))
HEAVY = ("sqlalchemy", "sklearn", "alembic", "polars", "pyarrow", "pandas", "scipy")


def trees() -> tuple[bundles.Bundle, dict[str, bytes], pl.DataFrame]:
    rng = np.random.default_rng(5)
    table = pl.DataFrame({f"f_{n}": rng.normal(size=600) for n in NAMES})
    truth = (table["f_x0"] + table["f_x1"] * table["f_x2"] > 0).to_numpy().astype(float)
    encoder = encoding.fit(table, [Type.FLOAT] * len(NAMES))
    fitted = boosted.fit(
        table[:400],
        truth[:400],
        "binary",
        encoder=encoder,
        validation=(table[400:], truth[400:]),
        parameters={"n_estimators": 100},
    )
    feature_set = FeatureSet(
        columns=tuple((n, Type.FLOAT) for n in NAMES),
        slots=(),
        steps=tuple(Step(f"f_{n}", Node("column", value=n, type=Type.FLOAT)) for n in NAMES),
        outputs=tuple(f"f_{n}" for n in NAMES),
    )
    unit = bundles.Unit(
        source="units",
        key=("id",),
        subject=None,
        at=Known("at"),
        target=Node("column", value="x0", type=Type.FLOAT),
    )
    contract = tuple(Field(name=n, type=Type.FLOAT, minimum=-100, maximum=100) for n in NAMES)
    bundle = bundles.make(
        fitted, rung="boosted", feature_set=feature_set, unit=unit, contract=contract
    )
    return bundle, bundle.to_files(fitted.files), table


@pytest.mark.slow
def test_trees_are_served_by_a_light_process(tmp_path: Path) -> None:
    bundle, files, table = trees()
    project = Project(tmp_path)
    project.serving.put_bundle(bundle.hash, files)
    project.publish(1, bundle.hash)
    rows: list[dict[str, Any]] = [
        {"id": n} | {name: row[f"f_{name}"] for name in NAMES}
        for n, row in enumerate(table.head(50).to_dicts())
    ]
    rows[3]["x4"] = None
    with serve(project) as server:
        status, given = server.ask("/predict", {"rows": rows})
        assert status == 200, given
        maps = Path(f"/proc/{server.process.pid}/maps")
        loaded = maps.read_text(encoding="utf-8") if sys.platform == "linux" else ""
    assert not [name for name in HEAVY if f"/{name}" in loaded]

    import lightgbm

    booster = lightgbm.Booster(model_str=files["trees.txt"].decode())
    matrix = np.array([[np.nan if r[n] is None else r[n] for n in NAMES] for r in rows])
    assert [p["score"] for p in given["predictions"]] == booster.predict(matrix).tolist()
