"""A model's text from a stranger must not kill or hang the process that loads it."""

from __future__ import annotations

import re

import lightgbm
import numpy as np
import pytest

from isbjerg.errors import BundleError
from isbjerg.models.booster import Booster
from isbjerg.models.lightgbm_text import check_text, rewrite

FEATURES = 4


@pytest.fixture(scope="module")
def text():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2000, FEATURES))
    x[:, 3] = rng.integers(0, 8, 2000)
    x[::7, 0] = np.nan
    y = ((x[:, 1] + (x[:, 3] == 3) + np.nan_to_num(x[:, 0]) / 3) > 0.5).astype(float)
    settings = {"objective": "binary", "num_leaves": 7, "verbosity": -1, "seed": 1}
    settings |= {"min_data_per_group": 10, "cat_smooth": 1, "num_threads": 1}
    data = lightgbm.Dataset(x, y, categorical_feature=[3], params=settings)
    return rewrite(lightgbm.train(settings, data, 5).model_to_string(), FEATURES)


def test_what_lightgbm_wrote_is_taken(text):
    check_text(text, FEATURES)
    assert Booster(text.encode(), FEATURES).trees == 5


def test_a_tree_of_one_leaf_is_taken():
    data = lightgbm.Dataset(np.zeros((50, 1)), np.arange(50) % 2)
    settings = {"objective": "binary", "verbosity": -1, "num_threads": 1}
    text = rewrite(lightgbm.train(settings, data, 1).model_to_string(), 1)
    check_text(text, 1)
    assert Booster(text.encode(), 1).predict_one([3.0]) == pytest.approx(0.5)


def replace_first(field, value):
    return lambda text: re.sub(rf"(?m)^{field}=(\S+)", f"{field}={value}", text, count=1)


DAMAGE = {
    "child outside the tree": replace_first("left_child", "900"),
    "leaf outside the tree": replace_first("right_child", "-900"),
    "child of itself": replace_first("left_child", "0"),
    "feature outside the row": replace_first("split_feature", "99"),
    "negative feature": replace_first("split_feature", "-1"),
    "fewer leaves": replace_first("num_leaves", "3"),
    "huge number of leaves": replace_first("num_leaves", "2000000000"),
    "leaf that is no number": replace_first("leaf_value", "x"),
    "leaf that is not finite": replace_first("leaf_value", "nan"),
    "huge feature count": replace_first("max_feature_idx", "2000000000"),
    "several classes": replace_first("num_class", "3"),
    "unknown objective": replace_first("objective", "custom"),
    "linear tree": replace_first("is_linear", "1"),
    "categories that grow backwards": replace_first("cat_boundaries", "5"),
    "more categories than listed": replace_first("num_cat", "7"),
    "cut short": lambda text: text[: len(text) // 2],
    "more behind the end": lambda text: text + "parameters:\n",
    "empty": lambda _: "",
    "no tree": lambda text: text.replace("Tree=", "Bush="),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_is_refused_before_lightgbm_sees_it(text, damage):
    damaged = DAMAGE[damage](text)
    assert damaged != text
    with pytest.raises(BundleError) as caught:
        Booster(damaged.encode(), FEATURES)
    assert caught.value.kind_code == "ISB414"


def test_random_damage_is_refused_or_answered(text):
    """2,000 texts with a few changed bytes: each is refused, or answers a number."""
    rng = np.random.default_rng(3)
    row = [0.1, -0.2, np.nan, 3.0]
    refused = answered = 0
    for _ in range(2000):
        content = bytearray(text.encode())
        for place in rng.integers(0, len(content), rng.integers(1, 4)):
            content[place] = rng.choice(list(b"0123456789-. =\nex"))
        try:
            booster = Booster(bytes(content), FEATURES)
        except BundleError:
            refused += 1
            continue
        assert 0 <= booster.predict_one(row) <= 1
        booster.close()
        answered += 1
    assert refused > 500
    assert answered > 100


def test_one_booster_answers_many_threads(text):
    from concurrent.futures import ThreadPoolExecutor

    booster = Booster(text.encode(), FEATURES)
    x = np.random.default_rng(5).normal(size=(400, FEATURES))
    expected = booster.predict_many(x).tolist()
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(booster.predict_one, x.tolist()))
    assert found == expected


def test_a_closed_booster_says_so(text):
    booster = Booster(text.encode(), FEATURES)
    booster.close()
    booster.close()
    with pytest.raises(BundleError, match="closed"):
        booster.predict_one([0.0] * FEATURES)
    with pytest.raises(BundleError, match="closed"):
        booster.predict_many(np.zeros((1, FEATURES)))


def test_a_text_that_takes_a_missing_number_for_zero_is_refused(text):
    """What `rewrite` wrote says at each split where a missing number goes (8 and 10: NaN)."""
    kinds = [int(k) for line in re.findall(r"decision_type=(.*)", text) for k in line.split(" ")]
    assert {k for k in kinds if not k & 1} <= {8, 10}
    silent = re.sub(r"(?m)^(decision_type=.*)\b(8|10)\b", r"\g<1>2", text, count=1)
    assert silent != text
    with pytest.raises(BundleError, match="where a missing number goes"):
        check_text(silent, FEATURES)
