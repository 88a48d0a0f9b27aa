"""Put the server together: which store, which clock, which routes, who may do what."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import re
from dataclasses import dataclass
from pathlib import Path

from isbjerg.errors import ArgumentError
from isbjerg.serving.answers import Answer, ok
from isbjerg.serving.app import App, Permission
from isbjerg.serving.facts import PostingFacts
from isbjerg.serving.live import Live, Stage
from isbjerg.serving.predict import Predicting
from isbjerg.serving.watch import mark, watch
from isbjerg.storage.following import Follower
from isbjerg.storage.layout import Store
from isbjerg.storage.ledger_writer import LedgerWriter
from isbjerg.storage.online import OnlineStore
from isbjerg.storage.plans import ServingFolder, Worker
from isbjerg.storage.processes import process_started
from isbjerg.times import Clock

_LOG = logging.getLogger("isbjerg.serving")
_WARM_S = 3.0
"""So long a server that starts loads facts before it takes requests; the rest is loaded beside."""

_WORKER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the command line says."""

    store: Path
    host: str = "127.0.0.1"
    port: int = 8000
    worker: str = "w1"
    replay: bool = False
    project: Path | None = None


class Server:
    """One worker.

    Parameters
    ----------
    settings : Settings
        What the command line says.
    address : str
        Where it listens.
    clock : Clock
        What time it is.

    Raises
    ------
    StoreError
        When the store's files cannot be opened, or another process is this worker.
    """

    def __init__(self, settings: Settings, address: str, clock: Clock) -> None:
        if _WORKER.fullmatch(settings.worker) is None or settings.worker == "outcomes":
            raise ArgumentError.out_of_range(
                "worker", "serve", f"match {_WORKER.pattern} and not be 'outcomes'", settings.worker
            )
        store = Store(settings.store).create()
        self._settings = settings
        self._address = address
        self._clock = clock
        self._folder = ServingFolder(store.serving)
        self._writer = LedgerWriter(store.ledger / f"{settings.worker}.db", clock)
        self._online = OnlineStore(store.online)
        self._follower = Follower(store.online)
        self._stage = Stage(self._folder, self._follower, settings.project)
        posting = PostingFacts(self._online, clock, replay=settings.replay)
        self._predicting = Predicting(
            self._stage,
            self._follower,
            self._writer,
            clock,
            known_until=posting.known_until,
            replay=settings.replay,
        )
        self._watching: asyncio.Task[None] | None = None
        self._warming: asyncio.Task[None] | None = None
        self.app = self._routes(posting)

    def _routes(self, posting: PostingFacts) -> App:
        granted = {Permission.HEALTH, Permission.PREDICT, Permission.POST_FACTS}
        app = App(frozenset(granted), self._start, self._stop)
        app.route("GET", "/health", self._health, permission=Permission.HEALTH)
        app.route("POST", "/predict", self._predicting.handle, permission=Permission.PREDICT)
        app.route("POST", "/facts/", posting.handle, permission=Permission.POST_FACTS)
        return app

    async def _start(self) -> None:
        await self._acknowledge()  # whoever promotes from now on waits for this worker
        seen = mark(self._folder.plan_path)
        await self._stage.take_newest()
        await self._acknowledge()
        warming = self._warm()
        if warming is not None:
            await asyncio.wait({warming}, timeout=_WARM_S)
        self._watching = asyncio.create_task(
            watch(self._folder.plan_path, self._plan_changed, seen), name="watch the plan"
        )

    async def _stop(self) -> None:
        for task in (self._watching, self._warming):
            if task is not None:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
        await asyncio.to_thread(self._writer.close)
        self._folder.withdraw(self._settings.worker)
        self._stage.close()
        self._follower.close()
        self._online.close()

    async def _plan_changed(self) -> None:
        try:
            if await self._stage.take_newest():
                await self._acknowledge()
                self._warm()
        except Exception:  # noqa: BLE001 - the watch must go on
            _LOG.exception("a plan was seen but not taken")

    def _warm(self) -> asyncio.Task[None] | None:
        """Begin to load what the live plan will look up; a plan that comes later starts anew."""
        if self._warming is not None:
            self._warming.cancel()
        live = self._stage.live
        self._warming = None if live is None else asyncio.create_task(self._warm_up(live))
        return self._warming

    async def _warm_up(self, live: Live) -> None:
        try:
            await live.warm(self._clock())
        except Exception:  # noqa: BLE001 - what is not warm is loaded when asked for
            _LOG.exception("the lookups could not be warmed")

    async def _acknowledge(self) -> None:
        word = Worker(
            name=self._settings.worker,
            pid=os.getpid(),
            started=process_started(os.getpid()) or 0,
            address=self._address,
            epoch=self._stage.noticed,
            serving=self._stage.epoch,
            fault=self._stage.fault,
            at_us=self._clock(),
        )
        await asyncio.to_thread(self._folder.acknowledge, word)

    async def _health(self, _body: bytes, _name: str) -> Answer:
        live, fault = self._stage.live, self._stage.fault or self._writer.fault
        status = "waiting" if live is None else "degraded" if fault else "serving"
        return ok(
            {
                "status": status,
                "epoch": self._stage.epoch,
                "noticed": self._stage.noticed,
                "model": None if live is None else live.loaded.route.model_version,
                "rung": None if live is None else live.loaded.bundle.rung,
                "worker": self._settings.worker,
                "answered": self._predicting.answered,
                "fault": fault or None,
            }
        )
