"""Write features.py and its tests: the target, and one function per usable column."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from isbjerg.workflows.drafting_goal import Goal
from isbjerg.workflows.drafting_plan import Plan, plain, quoted

_LINE = 100
"""Columns of a line, as ruff.toml of the draft says."""

RUNGS = ("constant", "linear", "boosted")
"""Names of rungs, which no feature may have."""

_UNSEEN = "?never seen?"
"""A text that no table has."""


class Function(msgspec.Struct, frozen=True):
    """A drafted feature: its name, column, body, meaning, and the column's use."""

    name: str
    column: str
    body: str
    meaning: str
    use: str


def functions(plan: Plan) -> tuple[Function, ...]:
    """Name the features: one for each column, two for a column of times."""
    taken = {plan.target, plan.name, *RUNGS}
    found: list[Function] = []
    for function in _functions(plan):
        name = function.name
        while name in taken:
            name += "_"
        taken.add(name)
        found.append(msgspec.structs.replace(function, name=name))
    return tuple(found)


def _functions(plan: Plan) -> Iterator[Function]:
    for c in plan.used:
        if c.use in ("local", "instant"):
            wall = f"{c.name}.in_zone('UTC')" if c.use == "instant" else c.name
            wall = wall.replace("'", '"')
            yield Function(
                f"{c.name}_hour", c.name, f"{wall}.hour()", f"Hour of `{c.name}`.", c.use
            )
            yield Function(
                f"{c.name}_weekday",
                c.name,
                f"{wall}.weekday()",
                f"Day of the week of `{c.name}`, Monday 1 to Sunday 7.",
                c.use,
            )
        else:
            yield Function(c.name, c.name, c.name, f"Say what `{c.name}` means.", c.use)


def features_py(plan: Plan) -> str:
    """Write features.py: the target, and one function per usable column."""
    lines = [
        '"""One function per feature: a plain parameter is a column of the row to be judged."""',
        "",
        "from __future__ import annotations",
        "",
        "import isbjerg as ib",
        "",
        "",
        "@ib.target",
        f"def {plan.target}({plan.goal.column}):",
        f'    """What is to be predicted{_positive_comment(plan.goal)}."""',
        *_target_body(plan.goal),
        "",
    ]
    for function in functions(plan):
        lines += ["", "@ib.feature", f"def {function.name}({function.column}):"]
        lines += [f'    """{function.meaning}"""', f"    return {function.body}", ""]
    out = [c for c in plan.columns if c.use == "left_out"]
    if out:
        lines += ["", "# Left out of this draft:"]
        lines += [f"# {c.name}: {c.why}." for c in out]
        lines += [""]
    return "\n".join(lines).rstrip("\n") + "\n"


def _positive_comment(goal: Goal) -> str:
    return (
        f": whether `{goal.column}` is {plain(str(goal.positive))}" if goal.kind == "binary" else ""
    )


def _target_body(goal: Goal) -> list[str]:
    if goal.kind != "binary" or isinstance(goal.positive, bool):
        return [f"    return {'~' if goal.positive is False else ''}{goal.column}"]
    yes, no = (f"{goal.column} == {_written(v)}" for v in (goal.positive, goal.negative))
    calls = [f"ib.when({yes})", ".then(True)", f".when({no})", ".then(False)", ".otherwise(None)"]
    whole = "".join(calls)
    comment = "    # A value that the table did not have says neither yes nor no."
    if len(whole) <= _LINE - len("    return "):
        return [comment, f"    return {whole}"]
    lines = [whole] if len(whole) <= _LINE - len("        ") else calls
    return [comment, "    return (", *(f"        {line}" for line in lines), "    )"]


def _written(value: object) -> str:
    return quoted(value) if isinstance(value, str) else repr(value)


def features_test_py(plan: Plan) -> str:
    """Write test_features.py: the target, and a feature of each kind."""
    goal, times = plan.goal, [f for f in functions(plan) if f.use in ("local", "instant")]
    lines = [
        '"""Calling a feature runs the compiled tree, so these tests test what is served."""',
        "",
        "from __future__ import annotations",
        "",
    ]
    if times:
        lines += [f"from datetime import {'UTC, ' * _zoned(times)}datetime", ""]
    lines += ["import features as f", "", "", *_target_test(plan.target, goal)]
    for kind in ("number", "boolean", "category"):
        first = next((n for n in functions(plan) if n.use == kind), None)
        if first:
            value = {"number": "1.5", "boolean": "True", "category": '"a"'}[kind]
            same = f"is {value}" if kind == "boolean" else f"== {value}"
            lines += ["", "", f"def test_{first.name}_passes_values_through():"]
            lines += ['    """A missing value stays missing."""']
            lines += [f"    assert f.{first.name}({value}) {same}"]
            lines += [f"    assert f.{first.name}(None) is None"]
    lines += _time_tests(times)
    return "\n".join(lines) + "\n"


def _zoned(times: Sequence[Function]) -> bool:
    return any(f.use == "instant" for f in times)


def _target_test(target: str, goal: Goal) -> list[str]:
    lines = [f"def test_{target}():", '    """The target is what frame.toml promises."""']
    if goal.kind == "regression":
        lines += [f"    assert f.{target}(1.5) == 1.5"]
    elif goal.kind == "multiclass":
        one = _written(goal.classes[0])
        same = f"is {one}" if isinstance(goal.classes[0], bool) else f"== {one}"
        lines += [f"    assert f.{target}({one}) {same}"]
    else:
        yes, no = _written(goal.positive), _written(goal.negative)
        lines += [f"    assert f.{target}({yes}) is True", f"    assert f.{target}({no}) is False"]
        if isinstance(goal.positive, str):
            lines += [f'    assert f.{target}("{_UNSEEN}") is None']
    return [*lines, f"    assert f.{target}(None) is None"]


def _time_tests(times: Sequence[Function]) -> list[str]:
    if not times:
        return []
    hour, weekday = times[0], times[1]
    zone = ", tzinfo=UTC" if hour.use == "instant" else ""
    return [
        "",
        "",
        f"def test_{hour.name}_reads_the_clock():",
        '    """6 January 2020 was a Monday."""',
        f"    monday = datetime(2020, 1, 6, 17, 30{zone})",
        f"    assert f.{hour.name}(monday) == 17",
        f"    assert f.{weekday.name}(monday) == 1",
    ]
