"""Two real tables of several classes, as projects: handwritten digits and wines.

The digits are scikit-learn's copy of the UCI "Optical Recognition of Handwritten Digits" test set
(1,797 images of 8 x 8), the wines its copy of UCI "Wine" (178 wines of three cultivars). Neither
has a time, so each row is given one, in the order of the file, and shuffled first where the file
is sorted by class.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
from sklearn.datasets import load_digits

START = datetime(2024, 1, 1, tzinfo=UTC)
PIXELS = [f"p{n}" for n in range(64)]
NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")

FRAME = """\
objective = "Read the digits on a form so that nobody types them."
owner     = "Forms"
decision  = "Take the digit, or ask a person when it is unsure."

[unit]
source = "images"
at     = "scanned"

[target]
feature = "digit"
kind    = "multiclass"

[metric]
primary    = "log_loss"
guardrails = { accuracy = ">= 0.8", top_2_accuracy = ">= 0.9" }
"""

SOURCES = """\
import isbjerg as ib


@ib.source(
    key="image",
    known={"image": ib.ahead("1h"), "scanned": ib.ahead("1h"), "p*": ib.ahead("1h"),
           "read_as": "typed", "typed": "typed"},
)
def images():
    return ib.parquet("data/images.parquet")
"""

FEATURES = """\
import isbjerg as ib


@ib.target
def digit(read_as):
    return read_as


@ib.feature
def ink_top(p2, p3, p4):
    return p2 + p3 + p4


@ib.feature
def ink_middle(p35, p36):
    return p35 + p36
"""

MODELS = """\
import isbjerg as ib

import features as f


@ib.rule
def hollow(m=f.ink_middle):
    return ib.when(m < 2.0).then("zero").otherwise("one")


@ib.candidate(features=[{pixels}])
def linear():
    return ib.linear(penalty=10.0)


@ib.candidate(features=[{pixels}])
def trees():
    return ib.boosted_trees(num_iterations=15, num_leaves=6, learning_rate=0.2)
"""


def images() -> pl.DataFrame:
    """Read the digits, one scanned every ten minutes; typed an hour later by a person."""
    found = load_digits()
    rows = len(found.target)
    scanned = [START + timedelta(minutes=10 * n) for n in range(rows)]
    names = np.array(NAMES)[found.target]
    return pl.DataFrame(
        {
            "image": range(1, rows + 1),
            "scanned": scanned,
            **{name: found.data[:, n] for n, name in enumerate(PIXELS)},
            "read_as": names.tolist(),
            "typed": [at + timedelta(hours=1) for at in scanned],
        }
    )


def write_project(folder: Path) -> Path:
    """Write the project; every pixel that differs at all is a feature."""
    (folder / "data").mkdir(parents=True)
    table = images()
    told = [p for p in PIXELS if table[p].n_unique() > 3]
    features = FEATURES + "".join(
        f"\n\n@ib.feature\ndef dark_{p}({p}):\n    return {p}\n" for p in told
    )
    texts = {
        "frame.toml": FRAME,
        "sources.py": SOURCES,
        "features.py": features,
        "models.py": MODELS.format(pixels=", ".join(f"f.dark_{p}" for p in told)),
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    table.write_parquet(folder / "data" / "images.parquet")
    return folder
