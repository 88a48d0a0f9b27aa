"""Predict: row, lookups, features, score, record, commit, answer.

Everything up to the record happens in one go on the event loop, so one request is computed by
one bundle and sees one state of the facts. Then the request waits for the commit of its
records; only after that it is answered.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec

from isbjerg.errors import ArgumentError
from isbjerg.expressions.tree import TIME_MAX_US, TIME_MIN_US
from isbjerg.findings import Finding
from isbjerg.models.answers import read_score
from isbjerg.models.fitted import Class
from isbjerg.models.ranking import HELD_OUT
from isbjerg.serving.answers import Answer, Refusal, malformed, ok, replay_not_allowed
from isbjerg.serving.live import Live, Stage
from isbjerg.serving.ranking import ranked, shown_first
from isbjerg.storage.following import Follower
from isbjerg.storage.ids import Ids
from isbjerg.storage.ledger import Prediction, lookup_missing, unit_key
from isbjerg.storage.ledger_writer import LedgerWriter
from isbjerg.times import Clock, format_instant, parse_instant

ROWS_MAX = 1_000
PURPOSE_LENGTH_MAX = 200


class Asked(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a request: one row or several, and what else may be said."""

    inputs: dict[str, Any] | None = None
    rows: list[dict[str, Any]] | None = None
    at: str | None = None
    purpose: str = "decision"
    top: int | None = None


class Given(msgspec.Struct, omit_defaults=True):
    """One prediction as the caller gets it.

    Of classes it names the likeliest, whose probability is the score, and each one's probability.
    Of a ranking it says which list it is of, at which place of how many, and why when the list
    is left to chance.
    """

    id: str
    score: float
    model: int
    epoch: int
    findings: list[Finding] = []
    class_: Class | None = msgspec.field(default=None, name="class")
    probabilities: dict[str, float] = {}
    list_: str | None = msgspec.field(default=None, name="list")
    rank: int | None = None
    of: int | None = None
    why: str | None = None


_DECODER = msgspec.json.Decoder(Asked)


class Predicting:
    """Handle ``POST /predict``.

    Parameters
    ----------
    stage : Stage
        What is live.
    follower : Follower
        Brought up to date before each request.
    writer : LedgerWriter
        Where records become durable.
    clock : Clock
        What time it is.
    known_until : callable
        From the time that it is to the time up to which all posted facts can be followed.
    replay : bool
        Whether callers may say at which time they want to be answered.
    """

    def __init__(
        self,
        stage: Stage,
        follower: Follower,
        writer: LedgerWriter,
        clock: Clock,
        *,
        known_until: Callable[[int], int],
        replay: bool,
    ) -> None:
        self._stage = stage
        self._follower = follower
        self._writer = writer
        self._clock = clock
        self._known_until = known_until
        self._replay = replay
        self._ids = Ids(clock)
        self.answered = 0

    async def handle(self, body: bytes, _: str) -> Answer:
        """Answer one request."""
        received_us = self._clock()
        asked = _read(body)
        live = self._stage.live
        if live is None:
            raise _nothing_live(self._stage.fault)
        if asked.at is None:
            at_us = self._known_until(received_us)
        else:
            at_us = self._replay_time(asked.at, live)
        self._follower.follow()
        _check_top(asked, live)
        if asked.inputs is not None:
            records = [self._record(live, asked.inputs, asked.purpose, at_us, received_us)]
        else:
            records = self._record_all(live, asked, at_us, received_us)
            unit = live.loaded.bundle.unit
            if unit.group or asked.top is not None:
                records = ranked(records, unit, asked.top)
        if records:
            await self._writer.append_all(records, asyncio.get_running_loop())
        self.answered += len(records)
        answered = records if asked.top is None else shown_first(records)
        given = [_give(record) for record in answered]
        return ok(given[0] if asked.inputs is not None else {"predictions": given})

    def _record_all(
        self, live: Live, asked: Asked, at_us: int, received_us: int
    ) -> list[Prediction]:
        records = []
        for place, row in enumerate(asked.rows or ()):
            try:
                records.append(self._record(live, row, asked.purpose, at_us, received_us))
            except Refusal as refusal:
                refusal.message = f"Row {place}: {refusal.message}"
                raise
        return records

    def _record(
        self, live: Live, row: dict[str, Any], purpose: str, at_us: int, received_us: int
    ) -> Prediction:
        loaded = live.loaded
        inputs, findings = loaded.reader.read(row)
        slots = live.look_up(inputs, at_us)
        if unknown := live.unknown(slots):
            findings = [*findings, *map(lookup_missing, unknown)]
        features, said = live.score(inputs, slots)
        score, output = read_score(said, loaded.bundle.classes)
        if raised := loaded.faults.taken():
            findings = [*findings, *map(msgspec.to_builtins, raised)]
        unit = loaded.bundle.unit
        subject = None if unit.subject is None else inputs.get(unit.subject)
        return Prediction(
            id=self._ids.draw(),
            epoch=loaded.epoch,
            unit_key=unit_key(inputs[name] for name in unit.key),
            subject=None if subject is None else str(subject),
            at_us=at_us,
            received_us=received_us,
            route=loaded.route.role,
            why="the only route",
            model_version=loaded.route.model_version,
            bundle=loaded.route.bundle,
            score=score,
            inputs=inputs,
            slots=slots,
            features=dict(zip(loaded.bundle.feature_set.outputs, features, strict=True)),
            findings=findings,
            latency_us=max(0, self._clock() - received_us),
            purpose=purpose,
            output=output,
        )

    def _replay_time(self, text: str, live: Live) -> int:
        if not self._replay:
            raise replay_not_allowed()
        at_us = read_time(text)
        kept_from_us = live.complete_from_us
        if kept_from_us is not None and at_us < kept_from_us:
            raise Refusal(
                422,
                "ISB717",
                f"Facts are kept for decisions from {format_instant(kept_from_us)} on; "
                "an earlier one would be answered wrongly.",
                mend=f'ask for "at": "{format_instant(kept_from_us)}" or later',
                field="at",
            )
        return at_us


def read_time(text: str) -> int:
    """Read the time that a caller gave."""
    try:
        at_us = parse_instant(text)
    except (ArgumentError, OverflowError):
        at_us = TIME_MIN_US - 1
    if not TIME_MIN_US <= at_us <= TIME_MAX_US:
        raise Refusal(
            400, "ISB702", "'at' is no ISO 8601 time.", mend="2013-06-01T12:00:00Z", field="at"
        )
    return at_us


def _read(body: bytes) -> Asked:
    try:
        asked = _DECODER.decode(body)
    except (msgspec.MsgspecError, RecursionError, ValueError) as fault:
        raise malformed(fault) from None
    if (asked.inputs is None) == (asked.rows is None):
        raise Refusal(
            400,
            "ISB702",
            "The body must hold either 'inputs' or 'rows'.",
            mend='{"inputs": {"column": value, ...}}',
        )
    if len(asked.rows or ()) > ROWS_MAX:
        raise Refusal(
            413,
            "ISB711",
            f"{len(asked.rows or ())} rows in one request; at most {ROWS_MAX} are taken.",
            mend="send fewer rows at once",
            field="rows",
        )
    if len(asked.purpose) > PURPOSE_LENGTH_MAX:
        raise Refusal(400, "ISB702", "'purpose' is too long.", field="purpose")
    return asked


def _check_top(asked: Asked, live: Live) -> None:
    """Refuse the top of what is no list, or has not one score per row."""
    if asked.top is None:
        return
    classes = bool(live.loaded.bundle.classes)
    if asked.rows is None or asked.top < 1 or classes:
        why = (
            "the model tells classes apart" if classes else "it needs 'rows' and a number from 1 on"
        )
        raise Refusal(
            422,
            "ISB720",
            f"The top of a list was asked for, but {why}.",
            mend='{"rows": [{"column": value, ...}, ...], "top": 3}',
            field="top",
        )


def _give(record: Prediction) -> Given:
    findings = [msgspec.convert(f, Finding) for f in record.findings]
    said = record.output or {}
    return Given(
        record.id,
        record.score,
        record.model_version,
        record.epoch,
        findings,
        said.get("class"),
        said.get("probabilities", {}),
        said.get("list"),
        said.get("rank"),
        said.get("of"),
        record.why if record.why == HELD_OUT else None,
    )


def _nothing_live(fault: str) -> Refusal:
    why = f" The newest plan was not taken: {fault}" if fault else ""
    return Refusal(503, "ISB701", f"No model is live.{why}", mend="isbjerg promote")
