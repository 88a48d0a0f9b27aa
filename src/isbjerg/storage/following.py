"""Read the online store through memory: a key when first asked for, then only what is new.

For one thread, the server's event loop. `Follower.follow` is one cheap look at the file's
change counter; only after another connection committed does it read, and then only rows
numbered above the last one seen. A correction may move a fact from one key to another, so of each
fact in memory all versions are.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from isbjerg.expressions.tree import Type
from isbjerg.features.keys import Carrier, match_text
from isbjerg.features.online import OnlineSlot
from isbjerg.features.sets import Slot
from isbjerg.storage.online import connect

FOLLOW_ROWS_MAX = 20_000
"""A larger feed empties the memory instead: keys are loaded again when asked for."""

KEYS_WARM = 1_000
"""Keys per slot that are loaded before anybody asks for them."""

FOLLOWED_MAX = 100_000
"""After so many facts in a row a slot's memory is emptied, so that it does not grow for ever:
what still matters is loaded again."""

_NEVER_US, _FOREVER_US = -(2**63), 2**63 - 1

KEYS_MAX = 200_000
"""Keys in memory per slot, so that a caller who invents keys cannot fill it."""

_SLACK = 8
"""A key is loaded for an eighth of the span more than was asked for."""

_FACT = "on_key, fact_key, position, visible, row, value"
_OF_KEY = f"""
SELECT {_FACT} FROM slot_facts WHERE slot = ? AND fact_key IN
  (SELECT fact_key FROM slot_facts WHERE slot = ? AND on_key = ? AND position >= ?)
ORDER BY position, visible, row
"""  # noqa: S608 - names of this module
_VERSIONS = f"SELECT {_FACT} FROM slot_facts WHERE slot = ? AND fact_key = ?"  # noqa: S608
_NEXT_ON = "SELECT min(on_key) FROM slot_facts WHERE slot = ? AND on_key > ?"
_NEWEST_OF = "SELECT max(position) FROM slot_facts WHERE slot = ? AND on_key = ?"
_SLOT = "SELECT id, complete_from_us FROM slots WHERE name = ?"
_NEW = f"SELECT seq, slot, {_FACT} FROM slot_facts WHERE seq > ? ORDER BY seq"  # noqa: S608


class CachedSlot:
    """One slot's values, loaded from the store key by key. Made by `Follower.read_through`.

    Of a key only the facts are loaded that can matter at the time asked for and later, and a
    little more, so that questions that come out of order seldom load again; being asked for a
    much earlier time does.

    Attributes
    ----------
    number : int
        The slot's number in the store; -1 while it is not registered.
    complete_from_us : int or None
        Values at this time and later are right; ``None`` when all facts are kept.
    """

    def __init__(self, db: sqlite3.Connection, slot: Slot) -> None:
        self.slot = slot
        self._db = db
        self._boolean = slot.value.type is Type.BOOLEAN
        self._span_us = slot.max_age_us if slot.kind == "newest" else slot.span_us
        self._slack_us = slot.refresh_us + (self._span_us or 0) // _SLACK
        self.number = -1
        self.complete_from_us: int | None = None
        self.forget()
        self.refresh()

    def value(self, on_values: tuple[Carrier, ...], at_us: int) -> Carrier:
        """Return the slot's value as known at a time, for the unit's side of ``on``."""
        on = match_text(on_values)
        if on is not None:
            self.load(on, at_us)
        return self._online.value_of(on, at_us)

    def load(self, on: str, at_us: int) -> None:
        """Have the facts that one match can need at a time and later."""
        oldest_us = self._oldest_us(at_us)
        if oldest_us < self._loaded.get(on, _FOREVER_US):
            self._load(on, max(oldest_us - self._slack_us, _NEVER_US))

    def newest_positions(self) -> Iterator[tuple[str, int]]:
        """List what facts match, up to `KEYS_WARM`, each with its newest position.

        Each step is a search in an index, however many facts there are.
        """
        on = ""
        for _ in range(KEYS_WARM):
            (found,) = self._db.execute(_NEXT_ON, (self.number, on)).fetchone()
            if found is None:
                return
            (newest_us,) = self._db.execute(_NEWEST_OF, (self.number, found)).fetchone()
            yield found, newest_us
            on = found

    def refresh(self) -> None:
        """Look again which slot of the store this is and from when it is complete."""
        found: tuple[int, int | None] | None = self._db.execute(_SLOT, (self.slot.name,)).fetchone()
        self.number, self.complete_from_us = found or (-1, None)

    def forget(self) -> None:
        """Empty the memory."""
        self._online = OnlineSlot(self.slot)
        self._loaded: dict[str, int] = {}
        self._followed = 0

    def follow(self, fact: Sequence[Any]) -> None:
        """Take a fact that came in after its key may have been loaded.

        Of a fact in memory all versions are there. So one that was not comes with its versions
        from before, of which one may be visible later than this one and take its place; and
        one that matches nothing loaded is left to be loaded.
        """
        on, fact_key = fact[0], fact[1]
        if self._online.holds(fact_key):
            self.insert(fact)
        elif on in self._loaded:
            for version in self._db.execute(_VERSIONS, (self.number, fact_key)):
                self.insert(version)
        self._followed += 1
        if self._followed >= FOLLOWED_MAX:
            self.forget()

    def insert(self, fact: Sequence[Any]) -> None:
        """Take one fact, the values of a `SlotFact`; one taken before changes nothing."""
        on, key, position, visible, row, value = fact
        if self._boolean and value is not None:
            value = bool(value)  # SQLite keeps booleans as numbers
        self._online.insert(on, key, position, visible, row, value)

    async def warm(self, now_us: int) -> None:
        """Load what will be asked for soonest, key by key, letting requests in between.

        That is each key with a fact in the last span before now, or before the newest fact
        where that is earlier, as in a replay.
        """
        newest = [found async for found in _unhurried(self.newest_positions())]
        last_us = min(now_us, max((at for _, at in newest), default=now_us))
        async for on, at_us in _unhurried(iter(newest)):
            if at_us >= self._oldest_us(last_us):
                self.load(on, last_us)

    def _oldest_us(self, at_us: int) -> int:
        """Return the earliest position that can matter at a time."""
        if self._span_us is None:
            return _NEVER_US
        return at_us - self.slot.refresh_us - self._span_us

    def _load(self, on: str, oldest_us: int) -> None:
        if len(self._loaded) >= KEYS_MAX:
            self.forget()
        for fact in self._db.execute(_OF_KEY, (self.number, self.number, on, oldest_us)):
            self.insert(fact)
        self._loaded[on] = oldest_us


async def _unhurried(items: Iterator[tuple[str, int]]) -> AsyncIterator[tuple[str, int]]:
    """Give the event loop a turn after each item."""
    for item in items:
        yield item
        await asyncio.sleep(0)


class Follower:
    """Follow the online store from one thread.

    Parameters
    ----------
    path : Path
        ``.isbjerg/online.db``.
    """

    def __init__(self, path: Path) -> None:
        self._db = connect(path)
        self._slots: dict[str, CachedSlot] = {}
        self._seen = 0
        self._version = -1
        self.follow()

    def read_through(self, slot: Slot) -> CachedSlot:
        """Return the one cache of a slot; plans that share a slot share its memory."""
        if slot.name not in self._slots:
            self._slots[slot.name] = CachedSlot(self._db, slot)
        return self._slots[slot.name]

    def keep(self, names: Iterable[str]) -> None:
        """Drop the caches of all other slots."""
        kept = set(names)
        self._slots = {name: cached for name, cached in self._slots.items() if name in kept}

    def follow(self) -> None:
        """Take in what other connections committed since the last call."""
        (version,) = self._db.execute("PRAGMA data_version").fetchone()
        if version == self._version:
            return
        self._version = version
        (last,) = self._db.execute("SELECT coalesce(max(seq), 0) FROM slot_facts").fetchone()
        for cached in self._slots.values():
            cached.refresh()
        if last - self._seen > FOLLOW_ROWS_MAX:
            self._seen = last
            for cached in self._slots.values():
                cached.forget()
        numbered = {cached.number: cached for cached in self._slots.values()}
        for seq, number, *fact in self._db.execute(_NEW, (self._seen,)):
            self._seen = seq
            if number in numbered:
                numbered[number].follow(fact)

    def close(self) -> None:
        """Let the file go."""
        self._db.close()
