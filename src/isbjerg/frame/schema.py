"""The tables and keys that `frame.toml` knows, as data.

A new key is one line here and one field in `frame.py`; the reference page is written from
this table.
"""

from __future__ import annotations

from typing import NamedTuple

from isbjerg.frame import kinds


class Key(NamedTuple):
    """One key: how to read it, an example that can be pasted, what it says, whether it must be."""

    name: str
    read: kinds.Reader
    example: str
    says: str
    required: bool = False

    @property
    def line(self) -> str:
        """The key as a line to paste."""
        return f"{self.name} = {self.example}"


class Table(NamedTuple):
    """One table and its keys; the top of the file is the table without a name."""

    name: str
    says: str
    keys: tuple[Key, ...]

    @property
    def required(self) -> bool:
        """Whether a frame without this table is refused."""
        return any(key.required for key in self.keys)

    @property
    def place(self) -> str:
        """How messages call it."""
        return f"[{self.name}]" if self.name else "the top of frame.toml"

    @property
    def heading(self) -> str:
        """Its heading as a line to paste; none for the top of the file."""
        return f"[{self.name}]\n" if self.name else ""

    def key(self, name: str) -> Key | None:
        """Find a key by its name."""
        return next((key for key in self.keys if key.name == name), None)


_OBJECTIVE = "Tell passengers two hours ahead when their flight will land late."
_number = kinds.number

TOP = Table(
    "",
    "What the product is, in sentences.",
    (
        Key(
            "objective",
            kinds.sentence(_OBJECTIVE),
            f'"{_OBJECTIVE}"',
            "What should become better, and for whom.",
            required=True,
        ),
        Key("owner", kinds.sentence("Operations"), '"Operations"', "Who answers for it."),
        Key(
            "decision",
            kinds.sentence("Send a message when its expected saving is positive."),
            '"Send a message when its expected saving is positive."',
            "What is done with a prediction.",
        ),
    ),
)

UNIT = Table(
    "unit",
    "One decision.",
    (
        Key(
            "source",
            kinds.name("flights"),
            '"flights"',
            "Source whose rows are the decisions; a function of `sources.py`.",
            required=True,
        ),
        Key(
            "at",
            kinds.moment,
            '"sched_dep_utc - 2h"',
            "When it is taken: a column, or a column, a sign and a span. Nothing known later is used."
            " Without it decisions have no time, and lookups into the past cannot be asked.",
        ),
        Key(
            "subject",
            kinds.name("tail_number"),
            '"tail_number"',
            "Column that says whom or what it is about.",
        ),
    ),
)

TARGET = Table(
    "target",
    "What is predicted.",
    (
        Key(
            "feature",
            kinds.name("late"),
            '"late"',
            "The function of `features.py` that carries `@ib.target`.",
            required=True,
        ),
        Key(
            "kind",
            kinds.choice("binary", "regression", "multiclass", "ranking", later=("forecast",)),
            '"binary"',
            '`"binary"` (yes or no), `"multiclass"` (one of several classes), `"regression"` (a number)'
            ' or `"ranking"` (the order within a list).',
            required=True,
        ),
        Key(
            "group",
            kinds.one_or_more_names("search_id"),
            '"search_id"',
            "For a ranking: the column, or columns, whose equal values make one list.",
        ),
        Key(
            "holdout",
            _number("0.05", 0, 1, open_=")"),
            "0.05",
            "For a ranking: share of the lists that are answered in random order, so that the"
            " model's worth can be measured.",
        ),
    ),
)

METRIC = Table(
    "metric",
    "How it is measured.",
    (
        Key(
            "primary",
            kinds.metric,
            '"average_precision"',
            "The one metric that decides.",
            required=True,
        ),
        Key(
            "guardrails",
            kinds.table('{ brier = "<= 0.14" }'),
            '{ brier = "<= 0.14" }',
            "Bounds that other metrics must keep.",
        ),
    ),
)

VALUE = Table(
    "value",
    "What right and wrong answers are worth, for a binary target, in one unit of your choice.",
    (
        Key("true_positive", _number("30"), "30", "An event that was foretold."),
        Key("false_positive", _number("-5"), "-5", "A false alarm."),
        Key("true_negative", _number("0"), "0", "Quiet, rightly."),
        Key("false_negative", _number("0"), "0", "An event that was missed."),
    ),
)

SLICES = Table(
    "slices",
    "Where to look apart.",
    (
        Key(
            "by",
            kinds.names("origin"),
            '["origin", "carrier"]',
            "Columns or features by which the metrics are told apart.",
        ),
    ),
)

BUDGET = Table(
    "budget",
    "Where the model runs and what it may cost there.",
    (
        Key("mode", kinds.choice("realtime", "batch"), '"realtime"', '`"realtime"` or `"batch"`.'),
        Key(
            "latency_ms_p99",
            _number("20", 0, open_="("),
            "20",
            "99 of 100 answers are given within so many milliseconds.",
        ),
        Key(
            "requests_per_s",
            _number("200", 0, open_="("),
            "200",
            "So many requests a second must be served.",
        ),
    ),
)

FRESHNESS = Table(
    "freshness",
    "How old a model may become.",
    (
        Key(
            "retrain",
            kinds.retraining,
            '"weekly"',
            '`"hourly"`, `"daily"`, `"weekly"`, `"monthly"`, `"never"` or a span such as `"14d"`.',
        ),
        Key(
            "window",
            kinds.span("150d"),
            '"150d"',
            "Learn from and judge on decisions of so long a time only; all of them when not said.",
        ),
    ),
)

RELEASE = Table(
    "release",
    "How a new model goes live.",
    (
        Key(
            "strategy",
            kinds.choice("direct", "shadow", "canary", "ab", "blue-green"),
            '"canary"',
            '`"direct"`, `"shadow"`, `"canary"`, `"ab"` or `"blue-green"`.',
        ),
        Key(
            "shares",
            kinds.shares,
            "[0.05, 0.25, 1.0]",
            "Parts of the traffic it gets, one after the other.",
        ),
        Key(
            "margin",
            _number("0.01", 0),
            "0.01",
            "By how much of the primary metric it may be worse than the live model.",
        ),
    ),
)

SPLIT = Table(
    "split",
    "How the rows are parted: in the order of time, by fractions or by dates, or at random.",
    (
        Key(
            "how",
            kinds.choice("time", "random"),
            '"random"',
            '`"time"` or `"random"`; in time where decisions have one, else at random.',
        ),
        Key(
            "group",
            kinds.name("patient_id"),
            '"patient_id"',
            "Column whose rows of one value must not straddle parts.",
        ),
        Key("seed", kinds.whole, "0", "Seed of a split at random: another one parts otherwise."),
        Key(
            "validation",
            _number("0.2", 0, 1, open_="()"),
            "0.2",
            "Fraction of the rows before the test rows, or of rows drawn.",
        ),
        Key(
            "test",
            _number("0.2", 0, 1, open_="()"),
            "0.2",
            "Fraction of the rows at the end, or of rows drawn.",
        ),
        Key(
            "validation_from", kinds.instant, "2013-04-01", "First instant of the validation rows."
        ),
        Key("test_from", kinds.instant, "2013-05-01", "First instant of the test rows."),
    ),
)

RUN = Table(
    "run",
    "How a run is made.",
    (
        Key("seed", kinds.whole, "0", "Seed of every generator, so that a run can be repeated."),
        Key(
            "memory",
            kinds.memory,
            '"4 GB"',
            "How much memory tables may take; larger ones are worked on from disk. Half of what the"
            " machine or container has when not said. Reading keeps to 256 MiB, the least that can be"
            " asked for; a run takes some 0.5 GB at the least.",
        ),
    ),
)

TABLES = (TOP, UNIT, TARGET, METRIC, VALUE, SLICES, BUDGET, FRESHNESS, RELEASE, SPLIT, RUN)
"""The tables whose keys are fixed, in the order in which a frame is best written."""

REFERENCE = Table(
    "references",
    "Numbers to be seen beside one's own; each has a name of its own: `human`, `rival`, `paper`.",
    (
        Key("value", _number("0.31"), "0.31", "The number, in the primary metric.", required=True),
        Key(
            "source",
            kinds.sentence("dispatchers, sample of March 2013"),
            '"dispatchers, sample of March 2013"',
            "Where it comes from and under which conditions.",
            required=True,
        ),
    ),
)
"""The keys of each reference in ``[references]``."""
