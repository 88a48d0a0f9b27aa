from __future__ import annotations

from typing import Any

import pytest

import isbjerg as ib
from isbjerg.errors import ArgumentError, TracingError


@ib.source(key="id", known={"*": "at"})
def bookings():
    return None


@ib.source(key="month", known={"*": "month"})
def ledger():
    return None


@ib.feature
def net(amount, fee):
    return amount - fee


@ib.python_feature(returns="integer")
def digits(text):
    return len(text)


def test_it_can_be_called_like_a_feature() -> None:
    @ib.assumption(source=bookings)
    def earns(n=net):
        return n > 0

    assert earns(5) is True
    assert earns(-1) is False
    assert earns(None) is None


def test_sums_of_two_sources_are_compared_and_empty_means_are_missing() -> None:
    @ib.assumption(by="month")
    def agree(a=ib.rows(bookings), b=ib.rows(ledger)):
        return a[net].sum() == b.total.sum()

    @ib.assumption
    def average(a=ib.rows(bookings)):
        return a.amount.mean() > 1

    assert [s.name for s in agree.sources] == ["bookings", "ledger"]
    assert agree([{"amount": 5, "fee": 1}, {"amount": 2, "fee": 1}], [{"total": 5}]) is True
    assert average([]) is None


def test_the_name_of_what_is_asked_knows_what_matters() -> None:
    def declared(share: float = 1.0, limit: int = 0, owner: str | None = None) -> Any:
        if limit:

            @ib.assumption(source=bookings, share=share, owner=owner)
            def paid(amount):
                return amount > 3
        else:

            @ib.assumption(source=bookings, share=share, owner=owner)
            def paid(amount):
                return amount > 0

        return paid

    same = declared().hash
    assert declared(owner="finance").hash == same
    assert declared(share=0.9).hash != same
    assert declared(limit=3).hash != same


@pytest.mark.parametrize("share", [0.0, 1.01, -1.0, 99])
def test_a_share_is_a_fraction(share: float) -> None:
    with pytest.raises(ArgumentError, match=r"must lie in \(0, 1\]"):
        ib.assumption(source=bookings, share=share)


def test_a_severity_is_one_of_three() -> None:
    with pytest.raises(ArgumentError, match="be one of warning, error, blocking"):
        ib.assumption(source=bookings, severity="fatal")  # type: ignore[arg-type]


def test_a_source_is_needed_for_single_rows() -> None:
    with pytest.raises(TracingError, match="whose rows"):

        @ib.assumption
        def paid(amount):
            return amount > 0


def test_groups_are_for_sums() -> None:
    with pytest.raises(TracingError, match="no groups"):

        @ib.assumption(source=bookings, by="month")
        def paid(amount):
            return amount > 0


def test_single_rows_and_sums_do_not_mix() -> None:
    with pytest.raises(TracingError, match="mixes"):

        @ib.assumption
        def paid(amount, a=ib.rows(bookings)):
            return amount > a.amount.mean()


def test_it_does_not_look_facts_up() -> None:
    with pytest.raises(TracingError, match="as known at a decision") as caught:

        @ib.assumption(source=bookings)
        def paid(past=ib.past(bookings, by="person", span="7d")):
            return past.count() > 0

    assert caught.value.mend == "past=ib.rows(bookings), or name columns of one source"


def test_a_feature_never_depends_on_all_rows() -> None:
    with pytest.raises(TracingError, match="known only after the decision"):

        @ib.feature
        def average(a=ib.rows(bookings)):
            return a.amount.mean()


def test_plain_python_is_no_assumption() -> None:
    with pytest.raises(TracingError, match="plain Python"):

        @ib.assumption(source=bookings)
        def long(d=digits):
            return d > 3
