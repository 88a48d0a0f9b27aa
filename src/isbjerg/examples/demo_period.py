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

WEEK, REVIEW = timedelta(days=7), timedelta(days=4)
"""Trained on what is known when Saturday begins, live from Wednesday on (UTC)."""

QUICK_SINCE = datetime(2013, 4, 15, tzinfo=UTC)
QUICK_DAYS = 2
QUICK_WAIT = timedelta(hours=6)


class Span(NamedTuple):
    """A week: a successor is trained on what is known at its beginning, and released at `live`."""

    since: datetime
    live: datetime
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
    step, wait : timedelta
        How often a successor is trained, and after which time it may go live.
    """

    tables: Tables
    known: Tables
    until: datetime
    step: timedelta
    wait: timedelta

    @classmethod
    def of(cls, tables: Tables, *, quick: bool) -> Period:
        """Take January to May, then June to December by weeks; when quick, weeks and two days."""
        known = known_before(tables, AS_OF)
        if not quick:
            return cls(tables=tables, known=known, until=YEAR_END, step=WEEK, wait=REVIEW)
        recent = known["flights"].filter(pl.col("sched_dep_utc") >= QUICK_SINCE)
        return cls(
            tables=tables,
            known={**known, "flights": recent},
            until=AS_OF + timedelta(days=QUICK_DAYS),
            step=timedelta(days=1),
            wait=QUICK_WAIT,
        )

    def spans(self) -> Iterator[Span]:
        """List the weeks."""
        since = AS_OF
        while since < self.until:
            until = min(since + self.step, self.until)
            yield Span(since, min(since + self.wait, until), until)
            since = until
