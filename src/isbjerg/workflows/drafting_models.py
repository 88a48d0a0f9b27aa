"""Write models.py: a rule, a linear model, boosted trees."""

from __future__ import annotations

from collections.abc import Sequence

from isbjerg.workflows.drafting_features import Function, functions
from isbjerg.workflows.drafting_plan import Plan, quoted


def models_py(plan: Plan) -> str:
    """Write models.py: a rule, a linear model, boosted trees."""
    named = functions(plan)
    lines = [
        '"""The ladder, simplest first; a constant stands below it without being asked for."""',
        "",
        "from __future__ import annotations",
        "",
        "import isbjerg as ib",
        "",
        "import features as f",
        "",
        "FEATURES = [",
        *(f"    f.{function.name}," for function in named),
        "]",
        "",
        "",
    ]
    lines += _rule(plan, named)
    lines += [
        "@ib.candidate(features=FEATURES)",
        "def linear():",
        '    """Weigh every feature."""',
        "    return ib.linear()",
        "",
        "",
        "@ib.candidate(features=FEATURES)",
        "def boosted():",
        '    """Let trees find what goes together."""',
        "    return ib.boosted_trees()",
    ]
    return "\n".join(lines) + "\n"


def _rule(plan: Plan, named: Sequence[Function]) -> list[str]:
    rule = plan.rule
    if rule is None:
        return []
    function = next(n.name for n in named if n.column == rule.column)
    condition = "x" if rule.threshold is None else f"x > {rule.threshold!r}"
    group: list[str] = []
    if rule.values:
        condition = "x.is_in(GROUP)"
        group = [*_tuple("GROUP", rule.values), "", ""]
    return [
        *group,
        "@ib.rule",
        f"def by_{function}(x=f.{function}):",
        f'    """Two groups by `{rule.column}`, and the mean of the target in each."""',
        f"    return ib.when({condition}).then({rule.inside:.4g}).otherwise({rule.outside:.4g})",
        "",
        "",
    ]


def _tuple(name: str, values: Sequence[str]) -> list[str]:
    """Write a tuple of texts as the formatter would."""
    if len(values) == 1:
        return [f"{name} = ({quoted(values[0])},)"]
    return [f"{name} = (", *(f"    {quoted(v)}," for v in values), ")"]
