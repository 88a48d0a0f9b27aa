"""What a source function stops at is told with its line."""

from __future__ import annotations

import pytest

import isbjerg as ib
from isbjerg.errors import SourceError


def test_an_error_of_a_source_function_is_told_with_its_line() -> None:
    @ib.source(key="id", known={"*": ib.ahead("1s")})
    def orders() -> object:
        return {}["amount"]

    with pytest.raises(SourceError, match=r"test_sources\.py:14: KeyError: 'amount'") as caught:
        orders()
    assert caught.value.kind_code == "ISB305"


def test_an_error_of_isbjerg_stays_as_it_is() -> None:
    @ib.source(key="id", known={"*": ib.ahead("1s")})
    def orders() -> object:
        return ib.csv("orders.csv", separator="--")

    with pytest.raises(ValueError, match="separator"):
        orders()
