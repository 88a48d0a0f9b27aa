"""What is live: a plan's bundle, compiled, warmed, and swapped in between two requests.

A new plan is loaded beside the live one, in another thread. Only when its bundle has been
verified, compiled and asked once does it take over, at one point of the event loop at which no
request is half computed. A bundle that does not load never becomes live: the one before stays.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from isbjerg.errors import IsbjergError
from isbjerg.expressions.code import CodeFaults, collecting_code_faults
from isbjerg.expressions.python import compile_function
from isbjerg.features.deployment import deploy_from
from isbjerg.features.keys import Carrier
from isbjerg.features.sets import FeatureSet
from isbjerg.models import bundle as bundles
from isbjerg.models import predictors
from isbjerg.models.parameters import Score
from isbjerg.release.plan import Route, ServingPlan
from isbjerg.serving.inputs import InputReader
from isbjerg.storage.following import CachedSlot, Follower
from isbjerg.storage.plans import ServingFolder

_LOG = logging.getLogger("isbjerg.serving")


@dataclass(frozen=True)
class Loaded:
    """A bundle in memory: all but the lookups, which belong to the event loop's thread."""

    epoch: int
    route: Route
    bundle: bundles.Bundle
    compute: Callable[..., tuple[Any, ...]]
    predictor: predictors.Predictor
    reader: InputReader
    faults: CodeFaults
    """What the project's own functions raised since it was asked last."""


@dataclass(frozen=True)
class Live:
    """What answers requests.

    Parameters
    ----------
    loaded : Loaded
        The bundle in memory.
    columns : tuple of str
        Columns that the compiled function takes first.
    slots : tuple
        Each slot's name, its cache, and the unit's columns it is looked up by.
    lookups : tuple
        Each source whose newest fact is looked up, and the slots that take a value from it.
    """

    loaded: Loaded
    columns: tuple[str, ...]
    slots: tuple[tuple[str, CachedSlot, tuple[str, ...]], ...]
    lookups: tuple[tuple[str, tuple[str, ...]], ...] = ()

    @property
    def complete_from_us(self) -> int | None:
        """Earliest time for which every slot is kept; ``None`` for any time."""
        starts = [cached.complete_from_us for _, cached, _ in self.slots]
        return max((start for start in starts if start is not None), default=None)

    async def warm(self, now_us: int) -> None:
        """Load the facts that requests will soon need, while requests are answered."""
        for _, cached, _ in self.slots:
            await cached.warm(now_us)

    def look_up(self, row: Mapping[str, Carrier], at_us: int) -> dict[str, Carrier]:
        """Look up every slot for a row, as known at a time."""
        return {
            name: slot.value(tuple([row[c] for c in on]), at_us) for name, slot, on in self.slots
        }

    def unknown(self, slots: Mapping[str, Carrier]) -> list[str]:
        """Name the sources of which nothing was known: every value looked up in them is missing."""
        return [
            source
            for source, names in self.lookups
            if slots[names[0]] is None and all(slots[name] is None for name in names)
        ]

    def score(
        self, row: Mapping[str, Carrier], slots: Mapping[str, Carrier]
    ) -> tuple[tuple[Any, ...], Score]:
        """Compute the features and the score of a row."""
        given = [row[c] for c in self.columns]
        features = self.loaded.compute(*given, *slots.values())
        return features, self.loaded.predictor.predict_one(features)


def load(
    epoch: int, route: Route, files: Mapping[str, bytes], *, project: Path | None = None
) -> Loaded:
    """Verify, compile and warm the bundle that a plan's route names.

    Parameters
    ----------
    epoch : int
        Of the plan.
    route : Route
        Which bundle.
    files : mapping of str to bytes
        Its files.
    project : Path, optional
        Where the code lies that its features may call; none is run that they do not pin.

    Raises
    ------
    IsbjergError
        When anything about it does not hold.
    """
    bundle = bundles.from_files(files, expected_hash=route.bundle)
    made = bundle.feature_set
    deploy_from(project, made)
    steps = [(s.name, s.node) for s in made.steps]
    with collecting_code_faults() as faults:
        compute = compile_function(steps, _inputs(made), made.outputs)
    predictor = predictors.load(bundle, files)
    nothing: Sequence[None] = [None] * len(_inputs(made))
    predictor.predict_one(compute(*nothing))
    faults.taken()
    return Loaded(epoch, route, bundle, compute, predictor, InputReader(bundle), faults)


def _inputs(made: FeatureSet) -> list[tuple[str, str]]:
    columns = [("column", name) for name, _ in made.columns]
    return columns + [("slot", slot.name) for slot in made.slots]


class Stage:
    """Hold what is live, and put new plans on.

    Parameters
    ----------
    folder : ServingFolder
        Where plans and bundles come from.
    follower : Follower
        Where slots are looked up.
    project : Path, optional
        Where the code lies that features may call.
    """

    def __init__(
        self, folder: ServingFolder, follower: Follower, project: Path | None = None
    ) -> None:
        self._project = project
        self._folder = folder
        self._follower = follower
        self.live: Live | None = None
        self.epoch = 0
        """Epoch of the plan in force; 0 before the first."""
        self.noticed = 0
        """Epoch of the newest plan seen, live or not."""
        self.fault = ""
        """Why the newest plan is not live; empty when it is."""

    async def take_newest(self) -> bool:
        """Put the newest plan on, if there is a newer one; return whether there was."""
        try:
            plan = self._folder.read_plan()
        except (IsbjergError, OSError) as fault:
            self._keep(fault)
            return True
        if plan is None or plan.epoch <= self.noticed:
            return False
        try:
            loaded = await asyncio.to_thread(self._load, plan)
        except Exception as fault:  # noqa: BLE001 - whatever a broken bundle does, the old one stays
            self._keep(fault)
        else:
            self._swap(plan.epoch, loaded)
        self.noticed = plan.epoch
        return True

    def _load(self, plan: ServingPlan) -> Loaded | None:
        route = plan.route()
        if route is None:
            return None
        files = self._folder.read_bundle(route.bundle)
        return load(plan.epoch, route, files, project=self._project)

    def _keep(self, fault: Exception) -> None:
        self.fault = fault.message if isinstance(fault, IsbjergError) else repr(fault)
        _LOG.error("a plan was not taken: %s", self.fault)

    def _swap(self, epoch: int, loaded: Loaded | None) -> None:
        live = None if loaded is None else self._stage(loaded)
        self.close()  # no request is half computed here
        self.live, self.epoch, self.fault = live, epoch, ""

    def _stage(self, loaded: Loaded) -> Live:
        made = loaded.bundle.feature_set
        slots = tuple(
            (s.name, self._follower.read_through(s), tuple(unit for _, unit in s.on))
            for s in made.slots
        )
        self._follower.keep(s.name for s in made.slots)
        return Live(loaded, tuple(name for name, _ in made.columns), slots, made.lookups)

    def close(self) -> None:
        """Free what is live."""
        if self.live is not None:
            self.live.loaded.predictor.close()
            self.live = None
