"""Telling how far an act has come, and how long each of its stages took."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from isbjerg.times import SECOND_US, Clock

Progress = Callable[[str, float | None], None]
"""Takes what is being done, as a sentence, and the share done in [0, 1], if known."""


def silent(stage: str, share: float | None = None) -> None:
    """Tell nobody."""


class Stages:
    """Times the stages of an act and tells each as it begins.

    Parameters
    ----------
    clock : Clock
        Where the time comes from.
    progress : Progress
        Whom to tell.

    Examples
    --------
    >>> ticks = iter([0, 2_500_000])
    >>> stages = Stages(lambda: next(ticks), silent)
    >>> with stages.stage("fit", "Fitting"):
    ...     pass
    >>> stages.seconds
    {'fit': 2.5}
    """

    def __init__(self, clock: Clock, progress: Progress) -> None:
        self._clock = clock
        self._progress = progress
        self.seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str, sentence: str, share: float | None = None) -> Iterator[None]:
        """Time what happens inside; a stage entered again adds up."""
        self._progress(sentence, share)
        begun = self._clock()
        try:
            yield
        finally:
            spent = (self._clock() - begun) / SECOND_US
            self.seconds[name] = round(self.seconds.get(name, 0.0) + spent, 3)
