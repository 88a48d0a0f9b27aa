"""Reading a frame: what it becomes, and that every fault is told at once with line and mend."""

from __future__ import annotations

import pickle

import pytest

from isbjerg.errors import FrameError
from isbjerg.frame.frame import Guardrail, Reference
from isbjerg.frame.moment import Moment
from isbjerg.frame.reading import read_frame

SHORTEST = """\
objective = "Fewer surprises at the gate."

[unit]
source = "flights"
at = "sched_dep_utc - 2h"

[target]
feature = "late"
kind = "binary"

[metric]
primary = "average_precision"
"""

FULL = """\
# frame.toml: what the product is
objective = "Tell passengers two hours ahead when their flight will land more than 30 minutes late."
owner     = "Operations analytics"
decision  = "Send a message when its expected saving is positive."

[unit]                               # one decision
source  = "flights"
at      = "sched_dep_utc - 2h"       # when it is taken: nothing known later may be used
subject = "tail_number"

[target]
feature = "late"
kind    = "binary"

[metric]
primary    = "average_precision"
guardrails = { brier = "<= 0.14" }

[value]                              # minutes of passengers' time per decision
true_positive  = 30
false_positive = -5

[references]
human = { value = 0.31, source = "dispatchers, sample of March 2013" }

[slices]
by = ["origin", "carrier", "evening"]

[budget]
mode           = "realtime"
latency_ms_p99 = 20
requests_per_s = 200

[freshness]
retrain = "weekly"

[release]
strategy = "canary"
shares   = [0.05, 0.25, 1.0]
margin   = 0.01

[split]
validation_from = 2013-04-01
test_from       = "2013-05-01T00:00:00+02:00"

[run]
seed = 7
"""


def faults_of(text: str) -> list[tuple[int, str]]:
    """Read a frame that is wrong; give the line and the mend of each fault."""
    with pytest.raises(FrameError) as caught:
        read_frame(text)
    return [(fault.line, fault.mend) for fault in caught.value.facts["faults"]]


def edited(old: str, new: str, text: str = SHORTEST) -> str:
    assert old in text
    return text.replace(old, new)


def test_the_frame_of_the_design_reads_as_it_says() -> None:
    frame = read_frame(FULL)
    assert frame.owner == "Operations analytics"
    assert frame.unit.at == Moment("sched_dep_utc", -7_200_000_000)
    assert frame.unit.subject == "tail_number"
    assert frame.metric.guardrails == (Guardrail("brier", "<=", 0.14),)
    assert frame.value is not None
    assert (frame.value.true_positive, frame.value.false_negative) == (30.0, 0.0)
    assert frame.references == (
        Reference(name="human", value=0.31, source="dispatchers, sample of March 2013"),
    )
    assert frame.slices == ("origin", "carrier", "evening")
    assert frame.budget.latency_ms_p99 == 20.0
    assert frame.retrain == "weekly"
    assert frame.release.shares == (0.05, 0.25, 1.0)
    assert frame.seed == 7
    # date -u -d 2013-04-01 +%s; date -u -d '2013-05-01T00:00:00+02:00' +%s
    assert frame.split.validation_from_us == 1_364_774_400_000_000
    assert frame.split.test_from_us == 1_367_359_200_000_000
    assert frame.split.by_date


def test_a_silent_frame_has_defaults() -> None:
    frame = read_frame(SHORTEST)
    assert (frame.split.validation, frame.split.test, frame.split.by_date) == (0.2, 0.2, False)
    assert frame.value is None
    assert frame.retrain is None
    assert (frame.release.strategy, frame.release.shares) == ("direct", (1.0,))
    assert frame.seed == 0


def test_windows_line_ends_and_a_byte_order_mark_change_nothing() -> None:
    assert read_frame("\ufeff" + FULL.replace("\n", "\r\n")) == read_frame(FULL)


def test_an_empty_frame_is_told_what_to_write() -> None:
    mends = [mend for _, mend in faults_of("")]
    assert [mend.splitlines()[0] for mend in mends] == [
        'objective = "Tell passengers two hours ahead when their flight will land late."',
        "[unit]",
        "[target]",
        "[metric]",
    ]
    # Pasting every mend makes a frame that reads.
    assert read_frame("\n".join(mends)).metric.primary == "average_precision"


def test_no_objective_is_refused() -> None:
    without = edited('objective = "Fewer surprises at the gate."\n', "")
    assert [line for line, _ in faults_of(without)] == [1]
    assert len(faults_of(edited('"Fewer surprises at the gate."', '"  "'))) == 1


def test_no_metric_is_refused() -> None:
    without = edited('[metric]\nprimary = "average_precision"\n', "")
    assert faults_of(without) == [(10, '[metric]\nprimary = "average_precision"')]
    assert faults_of(edited('primary = "average_precision"', "")) == [
        (11, 'primary = "average_precision"')
    ]


@pytest.mark.parametrize(
    ("old", "new", "line", "mend"),
    [
        # a misspelt key is one fault, not also a missing one
        ("objective", "objectiv", 1, 'objective = "Fewer surprises at the gate."'),
        ('"flights"', "[1]", 4, 'source = "flights"'),
        ('"flights"', '"my flights"', 4, 'source = "flights"'),
        ("- 2h", "- 2 hours", 5, 'at = "sched_dep_utc - 2h"'),
        ("sched_dep_utc - 2h", "sched_dep_utc-2h30", 5, 'at = "sched_dep_utc - 2h"'),
        ("sched_dep_utc - 2h", "- 2h", 5, 'at = "due_at - 2h"'),
        ('"binary"', '"forecast"', 9, 'kind = "binary"'),
        ('"binary"', '"ranked"', 9, 'kind = "ranking"'),
        ('"binary"', '"regresion"', 9, 'kind = "regression"'),
        ('"average_precision"', '"averge_precision"', 12, 'primary = "average_precision"'),
        ('"average_precision"', '"AUC"', 12, 'primary = "roc_auc"'),
        ('"average_precision"', '"rmse"', 12, 'primary = "average_precision"'),
        ("[target]", "[target]\nowner = 'me'", 8, 'owner = "me"'),
        ("[target]", "[target]\nseed = 3", 8, "[run]\nseed = 3"),
        (
            "[target]",
            "[target]\nwind = 3",
            8,
            "remove it; known keys: feature, kind, group, holdout",
        ),
    ],
)
def test_one_slip_is_one_fault(old: str, new: str, line: int, mend: str) -> None:
    assert faults_of(edited(old, new)) == [(line, mend)]


@pytest.mark.parametrize(
    ("extra", "line", "mend"),
    [
        ("[valu]\ntrue_positive = 1", 13, "[value]"),
        ('[value]\ntrue_positive = "30"', 14, "true_positive = 30"),
        ("[value]\ntrue_positive = nan", 14, "true_positive = 30"),
        ("[value]\ntrue_positive = true", 14, "true_positive = 30"),
        ("[budget]\nlatency_p99 = 20", 14, "latency_ms_p99 = 20"),
        ("[budget]\nlatency_ms_p99 = 0", 14, "latency_ms_p99 = 20"),
        ("[budget]\nmode = 'edge'", 14, 'mode = "realtime"'),
        ('[freshness]\nretrain = "dayly"', 14, 'retrain = "daily"'),
        ("[release]\nstrategy = 'canari'", 14, 'strategy = "canary"'),
        (
            "[release]\nstrategy = 'canary'\nshares = [0.1, 0.5]",
            15,
            "shares = [0.1, 0.5, 1.0]",
        ),
        (
            "[release]\nstrategy = 'canary'\nshares = [0.5, 0.1, 1]",
            15,
            "shares = [0.05, 0.25, 1.0]",
        ),
        ("[release]\nshares = [0.5, 1]", 14, 'strategy = "canary"'),
        ("[release]\nmargin = -1", 14, "margin = 0.01"),
        ("[split]\nvalidation = 20", 14, "validation = 0.2"),
        ("[split]\nvalidation = 0.5\ntest = 0.5", 14, "validation = 0.2\ntest = 0.2"),
        ("[split]\ntest = 0.9", 14, "validation = 0.2\ntest = 0.2"),
        ("[split]\ntest_from = 2013-05-01", 14, "validation_from = 2013-04-01"),
        ('[split]\ntest_from = "May"\nvalidation_from = 2013-04-01', 14, "test_from = 2013-05-01"),
        ('[split]\nhow = "shuffled"', 14, 'how = "time"'),
        (
            '[split]\nhow = "random"\ntest_from = 2013-05-01\nvalidation_from = 2013-04-01',
            16,
            'remove `validation_from`, or how = "time"',
        ),
        ("[run]\nseed = 1.5", 14, "seed = 0"),
        ("[run]\nseed = -1", 14, "seed = 0"),
        ("[slices]\nby = 'origin'", 14, 'by = ["origin"]'),
        ("[slices]\nby = ['origin', 'day', 'origin']", 14, 'by = ["origin", "day"]'),
        (
            "[references]\nhuman = 0.4",
            14,
            'human = { value = 0.4, source = "dispatchers, sample of March 2013" }',
        ),
        (
            "[references.human]\nvalue = 0.4",
            13,
            'source = "dispatchers, sample of March 2013"',
        ),
    ],
)
def test_each_table_guards_its_keys(extra: str, line: int, mend: str) -> None:
    assert faults_of(SHORTEST + extra) == [(line, mend)]


@pytest.mark.parametrize(
    ("extra", "mend"),
    [
        ('how = "time"', 'how = "random"'),
        (
            "validation_from = 2013-04-01\ntest_from = 2013-05-01",
            'remove `validation_from`, or say at = "COLUMN" in [unit]',
        ),
    ],
)
def test_decisions_without_a_time_are_not_parted_in_time(extra: str, mend: str) -> None:
    undated = "\n".join(line for line in SHORTEST.splitlines() if not line.startswith("at"))
    assert undated != SHORTEST
    assert read_frame(undated).split_how == "random"
    assert faults_of(f"{undated}\n[split]\n{extra}")[0][1] == mend


def test_a_table_must_be_a_table() -> None:
    assert faults_of("value = 3\n" + SHORTEST) == [(1, "[value]\ntrue_positive = 30")]


@pytest.mark.parametrize(
    ("guardrail", "mend"),
    [
        ('brier = ">= 0.14"', 'brier = "<= 0.14"'),
        ("auc = 0.7", 'roc_auc = ">= 0.7"'),
        ("log_loss = 0.4", 'log_loss = "<= 0.4"'),
        (
            'rmse = "<= 3"',
            (
                "remove it, or name one of average_precision, roc_auc, log_loss, brier, accuracy,"
                " precision@K, precision@K%, lift@K, lift@K%"
            ),
        ),
    ],
)
def test_a_guardrail_asks_for_a_good_model(guardrail: str, mend: str) -> None:
    assert faults_of(f"{SHORTEST}guardrails = {{ {guardrail} }}") == [(13, mend)]


def test_value_needs_a_binary_target() -> None:
    regression = SHORTEST.replace('"binary"', '"regression"').replace("average_precision", "mae")
    assert read_frame(regression).target.kind == "regression"
    assert faults_of(regression + "[value]\ntrue_positive = 1") == [
        (13, "remove the table [value]")
    ]


def test_dates_must_be_in_order() -> None:
    assert faults_of(
        SHORTEST + "[split]\nvalidation_from = 2013-05-01\ntest_from = 2013-05-01"
    ) == [(14, "validation_from = 2013-04-01")]
    assert faults_of(
        SHORTEST + "[split]\ntest = 0.2\nvalidation_from = 2013-04-01\ntest_from = 2013-05-01"
    ) == [(14, "remove `test`, or all dates")]


@pytest.mark.parametrize(
    ("text", "line", "mend"),
    [
        ("objective = Tell them", 1, 'objective = "Tell them"'),
        ('owner = "me"\nobjective: "Tell them"', 2, 'objective = "Tell them"'),
        ("[run]\nseed = True", 2, "seed = true"),
        ("a = 1\na = 2", 2, "remove this line, or the earlier one of that name"),
        ('a = "abc', 1, 'a = "abc"'),
        (
            "a = [1,\n2",
            2,
            "close the quotes and the brackets; each line is `key = value` or `[table]`",
        ),
    ],
)
def test_a_slip_of_syntax_is_told_like_any_other(text: str, line: int, mend: str) -> None:
    assert faults_of(text) == [(line, mend)]


def test_all_faults_are_told_at_once_in_order_of_lines() -> None:
    text = (
        FULL.replace('"binary"', '"forecast"').replace("0.14", "much").replace("= 20\n", "= -20\n")
    )
    with pytest.raises(FrameError) as caught:
        read_frame(text)
    assert caught.value.message == (
        "frame.toml has 3 faults.\n"
        "\n"
        'Line 13: `kind` of [target] must be "binary", "regression", "multiclass" or "ranking";'
        " forecast comes later."
        ' Got "forecast".\n'
        '    kind = "binary"\n'
        "\n"
        "Line 17: `brier` of [metric.guardrails] must be a comparison and a number in quotes."
        ' Got "<= much".\n'
        '    brier = "<= 0.5"\n'
        "\n"
        "Line 31: `latency_ms_p99` of [budget] must be a number above 0. Got -20.\n"
        "    latency_ms_p99 = 20"
    )
    assert str(caught.value).endswith("More: isbjerg explain ISB201")


def test_the_error_survives_pickling() -> None:
    with pytest.raises(FrameError) as caught:
        read_frame("")
    again = pickle.loads(pickle.dumps(caught.value))
    assert (str(again), again.facts) == (str(caught.value), caught.value.facts)


RANKING = """\
objective = "Show first what will be bought."
[unit]
source = "offers"
at = "shown_utc"
[target]
feature = "bought"
kind = "ranking"
group = "search_id"
[metric]
primary = "ndcg@10"
guardrails = { "precision@3" = ">= 0.2", mrr = "> 0.4" }
"""


def test_a_ranking_is_read() -> None:
    frame = read_frame(RANKING)
    assert frame.target.group == ("search_id",)
    assert frame.target.holdout == 0.0
    assert [str(g) for g in frame.metric.guardrails] == ["precision@3 >= 0.2", "mrr > 0.4"]
    several = read_frame(RANKING.replace('"search_id"', '["origin", "day"]\nholdout = 0.05'))
    assert (several.target.group, several.target.holdout) == (("origin", "day"), 0.05)


@pytest.mark.parametrize(
    ("old", "new", "mend"),
    [
        ('group = "search_id"\n', "", 'kind = "ranking"'),
        ('"search_id"', "[]", 'group = "search_id"'),
        ('"search_id"', "7", 'group = ["search_id"]'),
        ('"search_id"', '"search_id"\nholdout = 1.0', "holdout = 0.05"),
        ('"ndcg@10"', '"ndcg"', 'primary = "ndcg@10"'),
        ('"ndcg@10"', '"ndcg@0"', 'primary = "ndcg@10"'),
        ('"ndcg@10"', '"log_loss"', 'primary = "map"'),
        ('"precision@3" = ">= 0.2"', '"lift@5%" = ">= 1"', "remove it, or name one of map,"),
        ('">= 0.2"', '"<= 0.2"', '"precision@3" = ">= 0.2"'),
    ],
)
def test_a_slip_in_a_ranking_is_told(old: str, new: str, mend: str) -> None:
    assert old in RANKING
    with pytest.raises(FrameError) as caught:
        read_frame(RANKING.replace(old, new))
    assert mend in caught.value.facts["faults"][0].mend


@pytest.mark.parametrize("key", ['group = "search_id"', "holdout = 0.1"])
def test_only_a_ranking_has_lists(key: str) -> None:
    text = RANKING.replace('"ranking"', '"binary"').replace('group = "search_id"', key)
    text = text.replace("ndcg@10", "brier").split("guardrails")[0]
    with pytest.raises(FrameError, match="belongs to a ranking; this target is binary"):
        read_frame(text)
