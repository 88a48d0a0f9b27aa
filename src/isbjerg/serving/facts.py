"""Facts that callers post: checked, given to every slot that uses them, durable, answered.

A posted fact is what a row of a source would be, known from now on at the earliest. The next
ingest takes it into a data version; until then, and from this answer on, predictions see it.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from isbjerg.data.row_checking import check_rows, promise_of
from isbjerg.expressions.tree import Type, walk
from isbjerg.features.contributing import Contributor, SlotFact, contributor
from isbjerg.features.keys import Carrier, key_text
from isbjerg.features.sets import Slot
from isbjerg.serving.answers import Answer, Refusal, malformed, ok, replay_not_allowed
from isbjerg.serving.inputs import read_value
from isbjerg.serving.predict import ROWS_MAX, read_time
from isbjerg.storage.online import OnlineStore, RegisteredSlot
from isbjerg.times import Clock


class _Told(msgspec.Struct, forbid_unknown_fields=True):
    rows: list[dict[str, Any]]
    at: str | None = None


_DECODER = msgspec.json.Decoder(_Told)


def needed_columns(slots: list[RegisteredSlot]) -> dict[str, Type | None]:
    """Return the columns that slots need, with their types where something says so."""
    types: dict[str, Type | None] = {}
    for registered in slots:
        slot = registered.slot
        for name in (*slot.key, *(column for column, _ in slot.on)):
            types.setdefault(name, None)
        types.update((k.column, Type.INSTANT) for k in slot.known)
        types.update((n.value, n.type) for n in walk(slot.value) if n.op == "column")
    for registered in slots:
        declared = registered.columns
        types.update((n, declared[n]) for n, t in types.items() if t is None and n in declared)
    return types


class PostingFacts:
    """Handle ``POST /facts/{table}``.

    Parameters
    ----------
    store : OnlineStore
        Where facts become durable.
    clock : Clock
        What time it is.
    replay : bool
        Whether callers may say when a fact came in.
    """

    def __init__(self, store: OnlineStore, clock: Clock, *, replay: bool) -> None:
        self._store = store
        self._clock = clock
        self._replay = replay
        self._contributors: dict[str, Contributor] = {}
        self._begun: dict[int, int] = {}

    def known_until(self, now_us: int) -> int:
        """Return the time, now or just before, up to which the store holds all that was posted.

        A fact counts as known from a moment before its commit. A decision between the two
        would miss it now and see it in any later reckoning, so it is taken as of the moment
        before. To be asked before the store is followed.
        """
        return min((now_us, *tuple(self._begun.values())))

    async def handle(self, body: bytes, table: str) -> Answer:
        """Answer one request; the disk is waited for in another thread."""
        live_at_us: int | None = None
        try:
            told = _DECODER.decode(body)
        except (msgspec.MsgspecError, RecursionError, ValueError) as fault:
            refusal = malformed(fault)
            refusal.mend = '{"rows": [{"column": value, ...}, ...]}'
            raise refusal from None
        if told.at is not None:
            if not self._replay:
                raise replay_not_allowed()
            live_at_us = read_time(told.at)
        if len(told.rows) > ROWS_MAX:
            raise Refusal(413, "ISB711", f"At most {ROWS_MAX} rows are taken.", field="rows")
        return await asyncio.to_thread(self._post, table, told.rows, live_at_us)

    def _post(self, table: str, rows: list[dict[str, Any]], at_us: int | None) -> Answer:
        me = threading.get_ident()
        try:
            with self._store.posting(table) as posting:
                if not posting.slots:
                    raise _unknown_table(posting.sources())
                reader = _FactReader(posting.slots)
                facts = [reader.read(row, place) for place, row in enumerate(rows)]
                findings = _judge(table, posting.slots[0], [fact for _, fact in facts])
                contributors = [self._contributor(r.slot) for r in posting.slots]
                self._begun[me] = self._clock()
                live_at_us = self._clock() if at_us is None else at_us
                new = [
                    posting.add(
                        key, fact, live_at_us, _contributing(contributors, fact, live_at_us)
                    )
                    for key, fact in facts
                ]
        finally:
            self._begun.pop(me, None)
        answer: dict[str, Any] = {"accepted": sum(new), "duplicates": len(new) - sum(new)}
        if findings:
            answer["findings"] = findings
        return ok(answer)

    def _contributor(self, slot: Slot) -> Contributor:
        known = self._contributors.get(slot.name)
        if known is None or known.slot != slot:
            known = self._contributors[slot.name] = contributor(slot)
        return known


def _contributing(
    contributors: list[Contributor], fact: dict[str, Carrier], live_at_us: int
) -> Callable[[int], Iterator[tuple[str, SlotFact]]]:
    """Say what a fact is to each slot, once its row number is known."""

    def contribute(row: int) -> Iterator[tuple[str, SlotFact]]:
        for one in contributors:
            # Slots of an older definition of the source may know its rows by another key.
            key = key_text(fact[name] for name in one.slot.key)
            made = one.contribute(fact, key, row, live_at_us)
            if made is not None:
                yield one.slot.name, made

    return contribute


class _FactReader:
    """Read the rows of one table."""

    def __init__(self, slots: list[RegisteredSlot]) -> None:
        self._needed = needed_columns(slots)
        self._types = dict(self._needed)
        for registered in slots:
            for name, type_ in registered.columns.items():
                self._types.setdefault(name, type_)
        self._key = slots[0].slot.key

    def read(self, row: dict[str, Any], place: int) -> tuple[str, dict[str, Carrier]]:
        """Return a row's key and its carriers."""
        unknown = sorted(set(row) - set(self._types))
        if unknown:
            raise Refusal(
                422,
                "ISB716",
                f"Row {place}: no slot and no contract knows {len(unknown)} of its columns.",
                mend=f"send only: {', '.join(sorted(self._types))}",
                field=f"rows[{place}]",
            )
        missing = [name for name in self._needed if name not in row]
        if missing:
            raise Refusal(
                422,
                "ISB707",
                f"Row {place} lacks {missing}.",
                mend="send every column that a slot needs, null where it is not known",
                field=missing[0],
            )
        fact = {
            name: read_value(value, self._types[name], f"Row {place}, column '{name}'", name)
            for name, value in row.items()
        }
        for name in self._key:
            if fact[name] is None:
                raise Refusal(
                    422,
                    "ISB707",
                    f"Row {place}: '{name}' is null, and it tells which fact this is.",
                    mend=f"send all of the key: {', '.join(self._key)}",
                    field=name,
                )
        return key_text(fact[name] for name in self._key), fact


def _judge(
    table: str, registered: RegisteredSlot, facts: list[dict[str, Carrier]]
) -> list[dict[str, Any]]:
    """Hold facts to their source's contract; return what they were warned of.

    Raises
    ------
    Refusal
        When one breaks an error rule; it names row, column and rule, never a value.
    """
    promise = promise_of(table, registered.slot.key, registered.contract, registered.columns)
    checked = check_rows(promise, facts)
    for place, finding in sorted(checked.broken.items())[:1]:
        raise Refusal(
            422,
            "ISB712",
            f"Row {place}, {finding.subject}: {finding.message} [{finding.code}]",
            mend=finding.mend,
            field=finding.subject.removeprefix(f"{table}."),
        )
    return [msgspec.to_builtins(finding) for finding in checked.findings]


def _unknown_table(known: list[str]) -> Refusal:
    return Refusal(
        404,
        "ISB715",
        "No slot of a promoted model uses facts of this table.",
        mend=f"post to one of: {', '.join(known)}" if known else "isbjerg promote",
    )
