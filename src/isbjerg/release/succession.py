"""Whether a newly trained model takes the live one's place. Pure.

The gate says what *may* go live; this says what *should*, when nobody is asked. A schedule that
promotes whatever passed would put a coin toss live every week, so a new model has to earn it: it is
shown to be better on the same recent rows, or the live one is older than the frame allows and the
new one is shown to be as good, within the margin that the owner allowed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from isbjerg.errors import ArgumentError
from isbjerg.evaluation.comparison import Comparison
from isbjerg.times import DAY_US, HOUR_US, format_span, parse_span

Choice = Literal["better", "fresher", "keep"]

_WORDS_US = {
    "hourly": HOUR_US,
    "daily": DAY_US,
    "weekly": 7 * DAY_US,
    "monthly": 30 * DAY_US,
}


class Decided(msgspec.Struct, frozen=True, kw_only=True):
    """Which of two models should be live, and why, to be read."""

    choice: Choice
    why: str

    @property
    def replaces(self) -> bool:
        """Whether the new model should take the live one's place."""
        return self.choice != "keep"


def retrain_every_us(retrain: str | None) -> int | None:
    """Read ``[freshness] retrain``: how old a live model may become; ``None`` for no bound.

    Examples
    --------
    >>> retrain_every_us("weekly") == retrain_every_us("7d")
    True
    >>> retrain_every_us("never"), retrain_every_us(None)
    (None, None)
    """
    if retrain is None or retrain == "never":
        return None
    return _WORDS_US.get(retrain) or parse_span(retrain)


def decide(
    found: Comparison | None, *, age_us: int, every_us: int | None, margin: float
) -> Decided:
    """Decide which of two models should be live.

    Parameters
    ----------
    found : Comparison or None
        The new model against the live one, on the same rows; ``None`` when it was not compared.
    age_us : int
        For how long the live model has learnt nothing.
    every_us : int or None
        How old it may become: `retrain_every_us`.
    margin : float
        How much worse is still as good: ``[release] margin``.

    Returns
    -------
    Decided
        *better* when the whole interval of the difference lies above zero; *fresher* when the
        live model is too old and the interval rules out being worse by more than the margin;
        *keep* otherwise.

    Notes
    -----
    "Not shown to be worse", which is what the gate asks, is not enough here: on few rows it holds
    for nearly every model. Without a margin two equally good models can never be shown to be as
    good, so age alone moves nothing until an owner has said how much worse is as good.

    Each interval covers 95 %, so of equally good successors about one in forty is promoted as
    *better*. That costs nothing but a release; a model shown to be worse never passes the gate.

    Examples
    --------
    >>> equal = Comparison(
    ...     metric="brier", name="new", against="live", difference=0.0, low=-0.002, high=0.003,
    ...     better=False, n=5000, blocks=21, sentence="new is not better than live.",
    ... )
    >>> print(decide(equal, age_us=8 * DAY_US, every_us=7 * DAY_US, margin=0.005).why)
    new is as good as live within 0.005 (-0.002 to 0.003), and live has learnt nothing for 8d;
    [freshness] allows 1w.
    >>> decide(equal, age_us=8 * DAY_US, every_us=7 * DAY_US, margin=0.0).choice
    'keep'
    """  # fmt: skip
    if found is None:
        return Decided(choice="keep", why="It was not compared with the live model.")
    if found.better:
        return Decided(choice="better", why=found.sentence)
    too_old = every_us is not None and age_us >= every_us
    if not too_old or every_us is None:
        return Decided(choice="keep", why=found.sentence)
    aged = (
        f"{found.against} has learnt nothing for {_days(age_us)}; "
        f"[freshness] allows {_days(every_us)}"
    )
    if margin > 0.0 and found.not_worse(margin):
        bounds = f"({found.low:.3f} to {found.high:.3f})"
        good = f"{found.name} is as good as {found.against} within {margin:g} {bounds}"
        return Decided(choice="fresher", why=f"{good}, and {aged}.")
    open_ = (
        f"that {found.name} is worse by more than {margin:g} is not ruled out"
        if margin > 0.0
        else "frame.toml does not say how much worse is still as good ([release] margin)"
    )
    return Decided(choice="keep", why=f"{found.sentence} {aged}; but {open_}.")


def _days(span_us: int) -> str:
    return format_span(span_us - span_us % (DAY_US if span_us >= 2 * DAY_US else HOUR_US))


def rungs_beside(ladder: Sequence[str], live: str, wanted: Sequence[str]) -> tuple[str, ...]:
    """Choose the rungs to be fitted again, in the order of the ladder.

    Parameters
    ----------
    ladder : sequence of str
        Every rung of models.py, the simplest first.
    live : str
        The rung that is live.
    wanted : sequence of str
        ``live``, ``-1`` and ``+1`` for those around it, or names.

    Raises
    ------
    ArgumentError
        When a rung is not on the ladder. A neighbour that does not exist is left out.

    Examples
    --------
    >>> rungs_beside(["rule", "linear", "trees"], "trees", ["live", "-1", "+1"])
    ('linear', 'trees')
    """
    place = ladder.index(live)
    steps = {"live": 0, "-1": -1, "+1": 1}
    chosen: set[int] = set()
    for word in wanted:
        if word in steps:
            chosen.add(place + steps[word])
        elif word in ladder:
            chosen.add(ladder.index(word))
        else:
            raise ArgumentError(
                f"There is no rung '{word}' on the ladder.\nFound: {', '.join(ladder)}",
                mend="isbjerg retrain --rungs live,+1",
                name=word,
            )
    return tuple(name for number, name in enumerate(ladder) if number in chosen)
