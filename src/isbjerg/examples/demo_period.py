"""What the demonstration learns from, and what it replays."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import msgspec
import polars as pl

from isbjerg.examples.flights_data import Tables, known_before

AS_OF = datetime(2013, 6, 1, tzinfo=UTC)
"""What became known from here on is replayed, not given."""

DECIDE_FROM = datetime(2013, 6, 1, 2, tzinfo=UTC)
"""The first decision: about a flight that leaves at midnight of 1 June in New York."""

YEAR_END = datetime(2014, 1, 2, tzinfo=UTC)
"""All flights of the year have landed."""

QUICK_SINCE = datetime(2013, 4, 15, tzinfo=UTC)
QUICK_DAYS = 2


class Span(NamedTuple):
    """A while that is replayed before the model is trained again."""

    since: datetime
    until: datetime


class Period(msgspec.Struct, frozen=True, kw_only=True):
    """What is learnt from, and what is replayed.

    Parameters
    ----------
    tables : dict of str to polars.DataFrame
        The whole year.
    known : dict of str to polars.DataFrame
        What was known of it at `AS_OF`.
    until : datetime
        End of the replay.
    step : timedelta
        How often the model is trained again.
    """

    tables: Tables
    known: Tables
    until: datetime
    step: timedelta

    @classmethod
    def of(cls, tables: Tables, *, quick: bool) -> Period:
        """Take January to May, then June to December by weeks; when quick, weeks and two days."""
        known = known_before(tables, AS_OF)
        if not quick:
            return cls(tables=tables, known=known, until=YEAR_END, step=timedelta(days=7))
        recent = known["flights"].filter(pl.col("sched_dep_utc") >= QUICK_SINCE)
        return cls(
            tables=tables,
            known={**known, "flights": recent},
            until=AS_OF + timedelta(days=QUICK_DAYS),
            step=timedelta(days=1),
        )

    def spans(self) -> Iterator[Span]:
        """List the whiles between two trainings."""
        since = AS_OF
        while since < self.until:
            until = min(since + self.step, self.until)
            yield Span(since, until)
            since = until
