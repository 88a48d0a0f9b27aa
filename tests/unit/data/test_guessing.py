from __future__ import annotations

import polars as pl
import pytest

from isbjerg.data.carriers import DTYPES
from isbjerg.data.guessing import as_type, guessed
from isbjerg.expressions.tree import Type


@pytest.mark.parametrize(
    ("texts", "kind"),
    [
        (["1", "-2", None, "+3"], Type.INTEGER),
        (["0", "10"], Type.INTEGER),
        (["9223372036854775808", "1"], Type.FLOAT),
        (["1", "2.5", "1e3", "nan"], Type.FLOAT),
        (["0.5", "-0.5"], Type.FLOAT),
        (["true", "False", None], Type.BOOLEAN),
        (["2013-01-01T10:00:00Z", "2013-01-01T10:00:00.5+02:00"], Type.INSTANT),
        (["2013-01-01 10:00:00Z", None], Type.INSTANT),
        (["2013-01-01T10:00:00", "2013-01-01T10:00:00.123456"], Type.LOCAL),
        (["2013-01-01 10:00", None], Type.LOCAL),
        (["2013-01-01", "2013-12-31"], Type.LOCAL),
        (["2013-01-01 10:00:00", "2013-01-01T10:00:00", "2013-01-01"], Type.LOCAL),
        (["007", "1"], Type.TEXT),
        (["1", "2", "n/a"], Type.TEXT),
        (["2013-01-01", "soon"], Type.TEXT),
        (["2013-01-01T10:00:00Z", "2013-01-01T10:00:00"], Type.TEXT),
        (["2013", "2013-01-01"], Type.TEXT),
        (["true", "1"], Type.TEXT),
        ([None, None], Type.TEXT),
        (["", "1"], Type.TEXT),
    ],
)
def test_a_column_takes_the_type_that_every_text_fits(texts, kind) -> None:
    column = guessed(pl.Series("c", texts, dtype=pl.String))
    assert column.dtype == DTYPES[kind]
    assert column.null_count() == texts.count(None)


def test_an_offset_is_honoured() -> None:
    column = guessed(pl.Series(["2013-01-01T10:00:00+02:00"]))
    assert column.dt.hour().to_list() == [8]


@pytest.mark.parametrize(
    ("texts", "kind"),
    [
        (["007"], Type.INTEGER),
        (["1"], Type.FLOAT),
        (["1"], Type.TEXT),
        (["2013-01-01 10:00:00"], Type.INSTANT),
        (["2013-01-01"], Type.LOCAL),
    ],
)
def test_a_named_type_is_taken(texts, kind) -> None:
    assert as_type(pl.Series("c", texts), kind).dtype == DTYPES[kind]


def test_a_named_type_that_does_not_fit_is_refused_without_showing_the_text() -> None:
    with pytest.raises(pl.exceptions.ComputeError) as caught:
        as_type(pl.Series("c", ["1", "secret"]), Type.INTEGER)
    assert "secret" not in str(caught.value)
