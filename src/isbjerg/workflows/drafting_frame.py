"""Write frame.toml, cases.toml and README.md: what people have to say about the product."""

from __future__ import annotations

from isbjerg.workflows.drafting_plan import Plan, plain


def frame_toml(plan: Plan) -> str:
    """Write frame.toml: valid, with an objective that waits to be edited."""
    goal = plan.goal
    if goal.kind == "binary":
        rare = min(goal.rate, 1 - goal.rate) < 0.2  # noqa: PLR2004 - where precision says more
        metric = "average_precision" if rare else "roc_auc"
        asked = f"whether {plan.goal.column} is {goal.positive}"
    elif goal.kind == "multiclass":
        metric, asked = "log_loss", f"which {plan.goal.column} it is"
    else:
        metric, asked = "mae", plan.goal.column
    when = "" if plan.at is None else f'\nat     = "{plan.at}"'
    return f"""# frame.toml: what the product is. A draft: every line is yours to change.

objective = "Tell {plain(asked)} in time to act on it. (Say what becomes better, and for whom.)"
# owner    = "Who answers for it"
# decision = "What is done with a prediction"

[unit]                               # one decision: a row of the source
source = "{plan.name}"{when}
# subject = "{plan.key}"             # whom or what it is about, for erasure on request

[target]
feature = "{plan.target}"
kind    = "{goal.kind}"

[metric]
primary = "{metric}"

{_split(plan)}"""


def _split(plan: Plan) -> str:
    """Write how rows are parted; a seed where it is not the usual one."""
    if plan.at is not None:
        comment, seed = "by time: the last rows judge", ""
    else:
        comment = "at random, by a hash of the key: no column says when"
        seed = f"seed       = {plan.seed}\n" if plan.seed else ""
    return f"""\
[split]                              # {comment}
validation = 0.2
test       = {plan.test_share}
{seed}"""


CASES_TOML = """\
# cases.toml: curated problem cases, the specification that grows with the product.
# A case is an input, what is expected of it, why, and who says so. They are kept beside the
# project from the first day; this version of isbjerg does not check them yet.

# [[case]]
# id     = "short-name"
# why    = "What went wrong, or must never go wrong."
# owner  = "Who says so"
# input  = { id = "the row's key" }
# edit   = { column = "another value" }
# expect = "not lower"
"""


def readme_md(plan: Plan) -> str:
    """Write README.md: what to check first, and the commands."""
    return f"""# {plan.name}

Drafted by `isbjerg new` from `{plan.table}`. Check three things first:

1. `frame.toml`: the objective, and what is decided with a prediction.
2. `sources.py`: when each column becomes known. The draft guessed.
3. `features.py`: what was left out, and why.

```
isbjerg run        # ladder, evaluation, verdict
isbjerg promote    # what passed goes live
isbjerg serve      # answers, each in the ledger before it leaves
```

`pip install ruff mypy pytest pre-commit`, then `pre-commit install`, for the hooks.
"""
