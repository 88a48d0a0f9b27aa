"""The frame: what the product is, as values that evaluation, gate and release take orders from.

A `Frame` comes out of :func:`isbjerg.frame.reading.read_frame`; nothing here checks anything.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from isbjerg.frame.metrics import TargetKind
from isbjerg.frame.moment import Moment

Comparison = Literal["<=", ">=", "<", ">"]
Mode = Literal["realtime", "batch"]
Strategy = Literal["direct", "shadow", "canary", "ab", "blue-green"]
SplitHow = Literal["time", "random"]


class Unit(msgspec.Struct, frozen=True, kw_only=True):
    """One decision: a row of `source`, taken at `at`, about `subject`.

    Without `at` decisions are *undated*: nothing says when they are taken, so nothing orders
    them, and all of a row but its outcome counts as known.
    """

    source: str
    at: Moment | None = None
    subject: str | None = None


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """What is predicted: a function of `features.py`, and what kind of value it gives.

    For a ranking, rows of equal `group` make one list, and the share `holdout` of the lists is
    answered in random order.
    """

    feature: str
    kind: TargetKind
    group: tuple[str, ...] = ()
    holdout: float = 0.0


class Guardrail(msgspec.Struct, frozen=True):
    """A bound that a metric must keep, whatever the primary metric says.

    Examples
    --------
    >>> kept = Guardrail("brier", "<=", 0.14)
    >>> kept.holds(0.14), kept.holds(0.15), str(kept)
    (True, False, 'brier <= 0.14')
    """

    metric: str
    comparison: Comparison
    bound: float

    def holds(self, value: float) -> bool:
        """Tell whether `value` keeps the bound."""
        match self.comparison:
            case "<=":
                return value <= self.bound
            case ">=":
                return value >= self.bound
            case "<":
                return value < self.bound
            case ">":
                return value > self.bound

    def __str__(self) -> str:
        return f"{self.metric} {self.comparison} {self.bound:g}"


class Metric(msgspec.Struct, frozen=True, kw_only=True):
    """The one number that decides, and those that must not get out of hand."""

    primary: str
    guardrails: tuple[Guardrail, ...] = ()


class Value(msgspec.Struct, frozen=True, kw_only=True):
    """What each outcome of a yes-or-no decision is worth, in the owner's unit."""

    true_positive: float = 0.0
    false_positive: float = 0.0
    true_negative: float = 0.0
    false_negative: float = 0.0


class Reference(msgspec.Struct, frozen=True, kw_only=True):
    """A number to be seen beside one's own: the human level, a rival, a paper."""

    name: str
    value: float
    source: str


class Budget(msgspec.Struct, frozen=True, kw_only=True):
    """Where the model runs and what it may cost there."""

    mode: Mode = "realtime"
    latency_ms_p99: float | None = None
    requests_per_s: float | None = None


class Release(msgspec.Struct, frozen=True, kw_only=True):
    """How a new model goes live.

    `shares` are the parts of the traffic it gets one after the other; `margin` is by how much
    of the primary metric it may be worse than the live model and still pass.
    """

    strategy: Strategy = "direct"
    shares: tuple[float, ...] = (1.0,)
    margin: float = 0.0


class Split(msgspec.Struct, frozen=True, kw_only=True):
    """How the rows are parted: in the order of time, or at random.

    In time: either the last rows by fractions, or from two instants on (microseconds since the
    epoch, UTC); then `validation_from_us` and `test_from_us` are both given and the fractions are
    not used. At random: each row by a hash of its key, or of its `group`, and of `seed`, so that
    rows which come in later move none of the earlier.

    Without `how`, decisions with a time are parted in its order and others at random; see
    :attr:`Frame.split_how`. Rows of one `group` never straddle two parts.
    """

    validation: float = 0.2
    test: float = 0.2
    validation_from_us: int | None = None
    test_from_us: int | None = None
    how: SplitHow | None = None
    group: str | None = None
    seed: int = 0

    @property
    def by_date(self) -> bool:
        """Whether the parts begin at given instants."""
        return self.validation_from_us is not None


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """What the product is: `frame.toml`, read and found without fault.

    Parameters
    ----------
    objective : str
        What should become better, for whom: one sentence.
    unit, target, metric : Unit, Target, Metric
        One decision, what is predicted for it, how it is measured.
    owner, decision : str
        Who answers for it; what is done with a prediction. May be empty.
    value : Value or None
        What right and wrong answers are worth, when the frame says so.
    references : tuple of Reference
        Numbers to stand beside, in the order of the file.
    slices : tuple of str
        Columns or features by which the metrics are told apart.
    budget, release, split : Budget, Release, Split
        With their defaults where the file is silent.
    retrain : str or None
        ``hourly``, ``daily``, ``weekly``, ``monthly``, ``never`` or a span.
    window_us : int or None
        Only decisions of so long a time before a run are learnt from and judged on.
    seed : int
        The seed of every generator of a run.
    memory_bytes : int or None
        How much memory tables may take; ``None`` for a share of the machine's.
    """

    objective: str
    unit: Unit
    target: Target
    metric: Metric
    owner: str = ""
    decision: str = ""
    value: Value | None = None
    references: tuple[Reference, ...] = ()
    slices: tuple[str, ...] = ()
    budget: Budget = Budget()
    retrain: str | None = None
    window_us: int | None = None
    release: Release = Release()
    split: Split = Split()
    seed: int = 0
    memory_bytes: int | None = None

    @property
    def split_how(self) -> SplitHow:
        """How rows are parted: as the frame says, else in time when decisions have one."""
        return self.split.how or ("random" if self.unit.at is None else "time")
