"""The order of ranked lists, and which lists are left to chance."""

from __future__ import annotations

import random

import msgspec
import pytest
from scipy.stats import binomtest, chisquare

from isbjerg.expressions.tree import Node, Type
from isbjerg.features.sets import Known
from isbjerg.models.bundle import Unit
from isbjerg.models.ranking import HELD_OUT, held_out
from isbjerg.serving.ranking import ranked, shown_first
from isbjerg.storage.ledger import Prediction, unit_key

UNIT = Unit(
    source="offers",
    key=("id",),
    subject=None,
    at=Known("at"),
    target=Node("column", value="clicks", type=Type.INTEGER),
    group=("search",),
)


def record(number: int, score: float, search: str = "a") -> Prediction:
    return Prediction(
        id=f"p{number}",
        epoch=1,
        unit_key=unit_key([number]),
        subject=None,
        at_us=1,
        received_us=1,
        route="live",
        why="the only route",
        model_version=1,
        bundle="b",
        score=score,
        inputs={"id": number, "search": search},
        slots={},
        features={},
        findings=[],
        latency_us=1,
    )


def test_each_list_is_ordered_by_score_and_cut_at_the_top() -> None:
    sent = [
        record(1, 0.1),
        record(2, 0.9),
        record(3, 0.5, "b"),
        record(4, 0.4),
        record(5, 0.7, "b"),
    ]
    found = ranked(sent, UNIT, 2)
    assert [r.id for r in found] == ["p1", "p2", "p3", "p4", "p5"], "every row stays, in its order"
    said = [(r.output["list"], r.output["rank"], r.output["of"], r.output["shown"]) for r in found]
    assert said == [
        ('["a"]', 3, 3, False),
        ('["a"]', 1, 3, True),
        ('["b"]', 2, 2, True),
        ('["a"]', 2, 3, True),
        ('["b"]', 1, 2, True),
    ]
    assert [r.id for r in shown_first(found)] == ["p2", "p4", "p5", "p3"]
    assert {r.why for r in found} == {"the only route"}


def test_equal_scores_stand_in_an_order_that_the_request_has_no_say_in() -> None:
    sent = [record(n, 0.5) for n in range(30)]
    ranks = {r.id: r.output["rank"] for r in ranked(sent, UNIT, None)}
    again = random.Random(1).sample(sent, len(sent))
    assert {r.id: r.output["rank"] for r in ranked(again, UNIT, None)} == ranks
    assert sorted(ranks.values()) == list(range(1, 31))
    assert list(ranks.values()) != sorted(ranks.values()), "nor has the key"


def test_a_held_out_list_stands_in_an_order_of_chance_and_says_so() -> None:
    unit = msgspec.structs.replace(UNIT, holdout=0.5)
    lists = [f"s{n}" for n in range(400)]
    chance = [s for s in lists if held_out(unit_key([s]), 0.5)]
    assert binomtest(len(chance), 400, 0.5).pvalue > 0.001
    first = [0] * 4
    for n, search in enumerate(lists):
        sent = [record(4 * n + i, float(i), search) for i in range(4)]
        found = ranked(sent, unit, 1)
        leader = next(i for i, r in enumerate(found) if r.output["rank"] == 1)
        if search in chance:
            assert {r.why for r in found} == {HELD_OUT}
            first[leader] += 1
        else:
            assert {r.why for r in found} == {"the only route"}
            assert leader == 3, "the highest score"
        assert [r.score for r in found] == [0.0, 1.0, 2.0, 3.0], "what the model said is kept"
    assert chisquare(first).pvalue > 0.001


@pytest.mark.parametrize("share", [0.01, 0.2])
def test_the_share_held_out_is_the_share_asked_for(share: float) -> None:
    held = sum(held_out(unit_key([n, "x"]), share) for n in range(20_000))
    assert binomtest(held, 20_000, share).pvalue > 0.001
    assert not any(held_out(unit_key([n]), 0.0) for n in range(1_000)), "off unless asked for"


def test_without_a_group_all_rows_of_a_request_are_one_list() -> None:
    unit = msgspec.structs.replace(UNIT, group=())
    found = ranked([record(1, 0.1), record(2, 0.2, "b")], unit, 1)
    assert [(r.output["list"], r.output["rank"]) for r in found] == [("[]", 2), ("[]", 1)]
