from __future__ import annotations

import struct
from datetime import UTC, datetime, timedelta
from importlib import resources
from itertools import pairwise
from pathlib import Path
from zoneinfo import TZPATH, ZoneInfo, available_timezones

import polars as pl
import pytest

from isbjerg.errors import TypingError
from isbjerg.expressions.inference import infer
from isbjerg.expressions.polars import to_polars
from isbjerg.expressions.tree import Node, Type
from isbjerg.expressions.zones import ZONED_MAX_US, ZONED_MIN_US, check_zone, local_clock
from isbjerg.times import HOUR_US, MINUTE_US, parse_instant

ZONES = [
    "America/New_York",
    "Europe/Copenhagen",
    "Asia/Kolkata",
    "Australia/Lord_Howe",  # half an hour of summer time
    "Africa/Monrovia",  # 44 minutes and 30 seconds until 1972
    "Pacific/Apia",  # a day left out in 2011
    "UTC",
]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def offline(zone: str, instants: list[int]) -> list[int | None]:
    node = infer(Node("in_zone", (Node("column", value="at"),), zone), columns={"at": Type.INSTANT})
    table = pl.DataFrame({"at": pl.Series(instants, dtype=pl.Int64)})
    made = table.select(pl.col("at").cast(pl.Datetime("us", "UTC"))).select(to_polars(node))
    return made.to_series().cast(pl.Int64).to_list()


def by_datetime(zone: str, at_us: int) -> int:
    local = (EPOCH + timedelta(microseconds=at_us)).astimezone(ZoneInfo(zone))
    return (local.replace(tzinfo=UTC) - EPOCH) // timedelta(microseconds=1)


@pytest.mark.parametrize("zone", ZONES)
def test_1970_to_2037_agrees(zone):
    step = 13 * HOUR_US + 17 * MINUTE_US + 1
    instants = list(range(0, parse_instant("2038-01-01"), step))
    clock = local_clock(zone)
    assert [clock(at) for at in instants] == offline(zone, instants)


@pytest.mark.parametrize(
    ("zone", "change"),
    [
        ("America/New_York", "2013-03-10T07:00"),
        ("America/New_York", "2013-11-03T06:00"),
        ("Europe/Copenhagen", "2013-03-31T01:00"),
        ("Europe/Copenhagen", "2013-10-27T01:00"),
        ("Australia/Lord_Howe", "2013-04-06T15:00"),
        ("Africa/Monrovia", "1972-01-07T00:44:30"),
        ("Pacific/Apia", "2011-12-30T10:00"),
    ],
)
def test_every_minute_around_a_change_agrees(zone, change):
    at = parse_instant(change)
    instants = [at + i * MINUTE_US for i in range(-200, 200)] + [at - 1, at + 1]
    clock = local_clock(zone)
    answers = [clock(i) for i in instants]
    assert answers == offline(zone, instants) == [by_datetime(zone, i) for i in instants]
    assert [clock(i) for i in reversed(instants)] == answers[::-1]  # whatever was kept first
    assert clock(at) - clock(at - 1) != 1  # there is a change here


@pytest.mark.parametrize("zone", ZONES)
def test_the_edges_agree(zone):
    inside, outside = [ZONED_MIN_US, ZONED_MAX_US], [ZONED_MIN_US - 1, ZONED_MAX_US + 1]
    assert offline(zone, inside) == [local_clock(zone)(at) for at in inside]
    assert offline(zone, outside) == [None, None]


def _file(zone: str) -> bytes:
    for folder in TZPATH:
        if (path := Path(folder, zone)).is_file():
            return path.read_bytes()
    return resources.files("tzdata").joinpath("zoneinfo", zone).read_bytes()


def changes(zone: str) -> list[int]:
    """Read from a TZif file (RFC 8536) the seconds at which the offset changes."""
    data = _file(zone)
    counts = struct.unpack_from(">6l", data, 20)
    sizes = (1, 1, 8, 5, 6, 1)  # of what the 32-bit block repeats: isut isstd leap time type char
    start = 44 + sum(s * c for s, c in zip(sizes, counts, strict=True))
    times, types = struct.unpack_from(">6l", data, start + 20)[3:5]
    at = struct.unpack_from(f">{times}q", data, start + 44)
    kinds = data[start + 44 + 8 * times :][:times]
    offsets = [
        struct.unpack_from(">l", data, start + 44 + 9 * times + 6 * i)[0] for i in range(types)
    ]
    found, last = [], None
    for second, kind in zip(at, kinds, strict=True):
        if second >= 0 and offsets[kind] != last:
            found.append(second)
        last = offsets[kind]
    return found


def test_no_zone_changes_twice_within_an_hour():
    """What the cache of `local_clock` rests on."""
    gaps = [
        later - earlier
        for zone in available_timezones()
        for found in [changes(zone)]
        for earlier, later in pairwise(found)
    ]
    assert len(gaps) > 1000
    assert min(gaps) > 24 * 3600


@pytest.mark.parametrize(
    "name",
    [
        *("", "EST", "Mars/Base", "../../etc/passwd", "/etc/passwd", "America", "right/UTC"),
        *("America/New_York\x00", "a" * 5000, "localtime", 5, None),
    ],
)
def test_a_zone_that_is_none_is_refused(name):
    with pytest.raises(TypingError, match="tz database") as error:
        check_zone(name)
    assert error.value.kind_code == "ISB122"
