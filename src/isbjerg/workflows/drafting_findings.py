"""Say what was guessed and noted while a project was drafted, the weightiest first."""

from __future__ import annotations

import re
from collections.abc import Iterator

from isbjerg.findings import Finding
from isbjerg.workflows.drafting_numbers import Writing
from isbjerg.workflows.drafting_plan import Plan
from isbjerg.workflows.drafting_table import Column

_COPY = re.compile(r"_duplicated_[0-9]+$")
"""How Polars names a column whose name stood before it already."""

_NAMED_MAX = 4
"""So many new names are said; all of them stand in sources.py."""


def find_guesses(plan: Plan, time: str | None) -> Iterator[Finding]:
    """Say each guess, the weightiest first."""
    if time is None:
        yield _guess(
            "draft.time",
            plan.name,
            "No column was named that says when a decision is taken: the rows that judge are drawn "
            "at random, and the past is not told from the future.",
            "if there is such a column: isbjerg new ... --time COLUMN",
        )
    for c in plan.columns:
        if c.use == "left_out":
            mend = _left_out_mend(c)
            yield _guess(c.code, f"{plan.name}.{c.name}", f"Left out: {c.why}.", mend)
    yield _guess(
        "draft.known",
        plan.name,
        f"Guessed: what the {len(plan.used)} feature(s) need is known {_known(plan)}.",
        "edit `known` in sources.py",
    )
    if plan.zoneless:
        yield _guess(
            "draft.zone",
            f"{plan.name}.{plan.at}",
            "The times carry no zone and are taken as UTC.",
            "edit replace_time_zone in sources.py",
        )
    yield from _weak_findings(plan)


def _known(plan: Plan) -> str:
    if plan.at is None:
        return f"before the decision, and '{plan.goal.column}' only after it"
    return f"just before '{plan.at}', and '{plan.goal.column}' {plan.label_delay} after it"


def _left_out_mend(column: Column) -> str:
    if column.code in ("draft.leak", "draft.later"):
        return (
            "if it is known at the decision: delete its line in sources.py, "
            "write a feature of it in features.py"
        )
    return "if it helps all the same, write a feature of it in features.py"


def _weak_findings(plan: Plan) -> Iterator[Finding]:
    if plan.row_number:
        yield _guess(
            "draft.key",
            plan.name,
            "No column tells rows apart: their number in the file does, so a row inserted "
            "above others changes them all.",
            "add a key to the table, and name it in sources.py",
        )
    copies = [c.original for c in plan.columns if _COPY.search(c.original)]
    if copies:
        yield _guess(
            "draft.repeated_name",
            plan.name,
            f"The file names {len(copies)} column(s) as it names others; they are here: "
            f"{', '.join(copies[:_NAMED_MAX])}.",
            "give each column of the file a name of its own",
        )
    if plan.renamed:
        pairs = [f"'{old}' is {new}" for old, new in plan.renamed.items()]
        more = f", and {len(pairs) - _NAMED_MAX} more in sources.py" * (len(pairs) > _NAMED_MAX)
        yield _note(
            "draft.renamed",
            plan.name,
            f"Names that Python cannot use are others here: {', '.join(pairs[:_NAMED_MAX])}{more}.",
        )
    if plan.time_format:
        yield _note("draft.time_format", f"{plan.name}.{plan.at}", f"Read as {plan.time_format}.")
    yield from _number_findings(plan)
    if plan.goal.whole:
        yield _guess(
            "draft.classes",
            plan.target,
            f"'{plan.goal.column}' has {plan.goal.whole} different whole numbers, which are taken for "
            "names of classes, not for quantities.",
            "if more is more: isbjerg new ... --kind regression",
        )
    if plan.goal.kind == "multiclass":
        shown = ", ".join(str(c) for c in plan.goal.classes[:_NAMED_MAX])
        more = f" and {len(plan.goal.classes) - _NAMED_MAX} more"
        yield _note(
            "draft.target",
            plan.target,
            f"To be predicted: which {plan.goal.column} it is of {len(plan.goal.classes)}, the commonest "
            f"first: {shown}{more * (len(plan.goal.classes) > _NAMED_MAX)}.",
        )
    if plan.goal.kind == "binary":
        yield _note(
            "draft.target",
            plan.target,
            f"To be predicted: {plan.goal.column} is {plan.goal.positive!r}, "
            f"{plan.goal.rate:.1%} of the rows.",
        )
    if plan.goal.missing:
        yield _note(
            "draft.target_missing",
            plan.target,
            f"{plan.goal.missing} row(s) have no '{plan.goal.column}': they are not learnt from.",
        )


def _number_findings(plan: Plan) -> Iterator[Finding]:
    told: dict[Writing, str] = {
        "decimal_comma": "with a decimal comma",
        "thousands": "with a comma between thousands",
        "percent": "as percentages",
    }
    for how, words in told.items():
        columns = [column for column, found in plan.numbers.items() if found == how]
        if columns:
            yield _note(f"draft.{how}", plan.name, f"Read {words}: {', '.join(columns)}.")


def _guess(code: str, subject: str, message: str, mend: str) -> Finding:
    return Finding(code=code, subject=subject, message=message, mend=mend)


def _note(code: str, subject: str, message: str) -> Finding:
    return Finding(code=code, subject=subject, severity="info", message=message)
