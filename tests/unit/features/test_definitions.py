from __future__ import annotations

import datetime as dt

import pytest

from isbjerg.errors import (
    ArgumentError,
    DefinitionError,
    KnowledgeError,
    MisuseError,
    TracingError,
    TypingError,
)
from isbjerg.expressions.build import when
from isbjerg.expressions.tree import Type
from isbjerg.features.definitions import collecting_faults, feature, rule, target
from isbjerg.features.knowledge import Decision, known_rule
from isbjerg.features.lookups import newest, past
from isbjerg.features.resolving import resolve
from isbjerg.features.sets import Known
from isbjerg.features.sources import after, ahead, source

HOUR_US = 3_600_000_000


@source(
    key="flight_id",
    known={
        "sched_*": ahead("30d"),
        "carrier": ahead("30d"),
        "origin": ahead("30d"),
        "dep_delay": "departed_utc",
        "taxi": after("sched_dep_utc", "1h"),
        "arr_delay": "landed_utc",
    },
)
def flights():
    return None


@source(key=["origin", "hour_utc"], known={"*": after("hour_utc", "1h")})
def weather():
    return None


@source(key="tail", known={"*": ahead("1d")})
def planes():
    return None


@target
def late(arr_delay):
    return arr_delay > 30


@feature(unit="h", owner="ops")
def hour(sched_dep_local):
    return sched_dep_local.hour()


@feature
def evening(h=hour):
    return h >= 17


@feature
def wind(w=newest(weather, on="origin", max_age="3h")):
    return w.wind_speed.fill_null(0.0)


@feature
def carrier_late_7d(p=past(flights, by="carrier", span="7d", refresh="5m")):
    return p[late].mean()


@rule
def evenings_run_late(e=evening, recent=carrier_late_7d):
    return when(e).then(0.35).otherwise(recent)


TYPES = {
    "flights": {
        "flight_id": Type.INTEGER,
        "sched_dep_utc": Type.INSTANT,
        "sched_dep_local": Type.LOCAL,
        "departed_utc": Type.INSTANT,
        "landed_utc": Type.INSTANT,
        "carrier": Type.TEXT,
        "origin": Type.TEXT,
        "dep_delay": Type.INTEGER,
        "taxi": Type.INTEGER,
        "arr_delay": Type.INTEGER,
        "nobody_says": Type.INTEGER,
    },
    "weather": {"origin": Type.TEXT, "hour_utc": Type.INSTANT, "wind_speed": Type.FLOAT},
}
DECISION = Decision(flights, Known("sched_dep_utc", -2 * HOUR_US))


def resolved(*outputs):
    return resolve(outputs, DECISION, TYPES)


class TestCalling:
    def test_runs_the_compiled_tree(self):
        assert evening(18) is True
        assert evening(None) is None
        assert hour(dt.datetime(2013, 1, 1, 18, 30)) == 18

    def test_takes_facts_as_mappings(self):
        assert wind({"wind_speed": 7.5}) == 7.5
        assert wind({"wind_speed": None}) == 0.0
        assert wind(None) == 0.0

    def test_takes_past_facts_as_a_list(self):
        assert carrier_late_7d([{"arr_delay": 45}, {"arr_delay": 2}, {"arr_delay": None}]) == 0.5
        assert carrier_late_7d([]) is None

    def test_takes_names(self):
        assert evenings_run_late(recent=0.1, e=False) == 0.1

    def test_wrong_arguments_show_the_call(self):
        with pytest.raises(ArgumentError, match=r"evenings_run_late\(e=\.\.\., recent=\.\.\.\)"):
            evenings_run_late(True)

    def test_wrong_types_are_told(self):
        with pytest.raises(TypingError, match="hour"):
            hour(dt.datetime(2013, 1, 1, tzinfo=dt.UTC))


class TestDefining:
    def test_a_default_that_is_no_dependency_is_refused(self):
        with pytest.raises(TracingError, match="has the default 30"):

            @feature
            def bad(delay, limit=30):
                return delay > limit

    def test_star_arguments_are_refused(self):
        with pytest.raises(TracingError, match=r"\*args"):

            @feature
            def bad(*columns):
                return columns[0]

    def test_a_whole_lookup_is_no_value(self):
        with pytest.raises(TracingError, match=r"w\.wind_speed"):

            @feature
            def bad(w=newest(weather, on="origin")):
                return w

    def test_a_target_looks_at_its_own_row(self):
        with pytest.raises(MisuseError, match="looks up"):

            @target
            def bad(w=newest(weather, on="origin")):
                return w.wind_speed

    def test_a_window_over_a_lookup_is_refused(self):
        with pytest.raises(TracingError, match="columns of its own row"):

            @feature
            def bad(p=past(flights, by="carrier", span="7d")):
                return p[wind].mean()

    def test_faults_of_a_file_are_collected(self):
        with collecting_faults() as faults:

            @feature
            def one(a):
                return a and 1

            @feature
            def two(a):
                return a is None

        assert len(faults) == 2

    def test_a_source_has_a_key(self):
        with pytest.raises(ArgumentError, match="key"):
            source(key=[], known={})

    def test_newest_takes_a_source(self):
        with pytest.raises(ArgumentError, match="be a source"):
            newest("weather", on="origin")


class TestKnowledge:
    def test_exact_names_win_over_patterns(self):
        @source(key="id", known={"*": "b", "x": "c"})
        def table():
            return None

        assert known_rule(table, "x", DECISION) == Known("c")
        assert known_rule(table, "y", DECISION) == Known("b")

    def test_ahead_counts_back_from_the_decision(self):
        day = 24 * HOUR_US
        assert known_rule(flights, "carrier", DECISION) == Known(
            "sched_dep_utc", -2 * HOUR_US - 30 * day
        )

    def test_ahead_elsewhere_needs_a_column(self):
        with pytest.raises(DefinitionError, match=r'of="<column of times>"'):
            known_rule(planes, "tail", DECISION)

    def test_no_rule_no_use(self):
        @feature
        def bad(nobody_says):
            return nobody_says

        with pytest.raises(DefinitionError, match="nothing says when it becomes known") as refused:
            # the rule of a plain column is asked for when the set is closed
            resolved(bad)
        assert '"nobody_says": ib.after(' in str(refused.value)

    def test_known_after_the_decision_by_its_rule_is_refused(self):
        @feature
        def bad(taxi):
            return taxi

        with pytest.raises(KnowledgeError, match=r"100.0% of the rows"):
            resolved(bad)


class TestResolving:
    def test_a_set_is_closed_and_ordered(self):
        feature_set = resolved(hour, wind, evenings_run_late)
        assert [c for c, _ in feature_set.columns] == ["sched_dep_local", "origin", "carrier"]
        names = [s.name for s in feature_set.steps]
        assert names.index("hour") < names.index("evening") < names.index("evenings_run_late")
        assert feature_set.outputs == ("hour", "wind", "evenings_run_late")
        assert feature_set.output_types == (Type.INTEGER, Type.FLOAT, Type.FLOAT)

    def test_the_hash_is_that_of_the_content(self):
        assert resolved(hour, wind).hash == resolved(hour, wind).hash
        assert resolved(hour, wind).hash != resolved(wind, hour).hash

    def test_a_slot_is_renamed_when_its_meaning_changes(self):
        def slot_for(limit):
            if limit == 30:

                @feature
                def delayed(arr_delay):
                    return arr_delay > 30
            else:

                @feature
                def delayed(arr_delay):
                    return arr_delay > 15

            @feature
            def share(p=past(flights, by="carrier", span="7d")):
                return p[delayed].mean()

            return resolved(share).slots[0]

        assert slot_for(30).name == slot_for(30).name
        assert slot_for(30).name != slot_for(15).name

    def test_a_slot_is_known_when_all_it_uses_is(self):
        slot = resolved(carrier_late_7d).slots[0]
        assert {k.column for k in slot.known} == {"landed_utc", "sched_dep_utc"}
        assert slot.type is Type.FLOAT

    def test_two_features_of_one_name_clash(self):
        first = hour

        def again():
            @feature
            def hour(sched_dep_local):
                return sched_dep_local.hour() + 1

            return hour

        with pytest.raises(DefinitionError, match="Two features are called 'hour'"):
            resolved(first, again())

    def test_all_misfits_are_told_with_their_places(self):
        @feature
        def unknown_column(nowhere):
            return nowhere

        @feature
        def wrong_type(carrier):
            return carrier + 1

        @feature
        def built_on_it(w=wrong_type):
            return w

        with pytest.raises(DefinitionError) as refused:
            resolved(unknown_column, wrong_type, built_on_it)
        message = str(refused.value)
        assert refused.value.facts["features"] == ["unknown_column", "wrong_type"]
        assert "test_definitions.py:" in message
        assert "nowhere" in message

    def test_pairs_must_have_one_type(self):
        @feature
        def bad(w=newest(weather, on={"origin": "flight_id"})):
            return w.wind_speed

        with pytest.raises(DefinitionError, match="never be equal"):
            resolved(bad)

    def test_pairs_must_exist(self):
        @feature
        def bad(w=newest(weather, on={"airport": "origin"})):
            return w.wind_speed

        with pytest.raises(DefinitionError, match="'airport' is not a column of weather"):
            resolved(bad)
