"""Write sources.py: how the table is read, and when each column becomes known."""

from __future__ import annotations

from collections.abc import Iterator

from isbjerg.workflows.drafting_numbers import SAYS
from isbjerg.workflows.drafting_plan import NULL_VALUES, Plan, quoted, tupled
from isbjerg.workflows.drafting_times import times_in_python


def sources_py(plan: Plan) -> str:
    """Write sources.py."""
    polars = _needs_polars(plan)
    lines = [
        '"""Where the data is, and when each column becomes known."""',
        "",
        "from __future__ import annotations",
        "",
        *(["from pathlib import Path", ""] if polars else []),
        "import isbjerg as ib",
        *(["import polars as pl"] if _names_polars(plan) else []),
        "",
        f"TABLE = {quoted(plan.table)}",
        "",
        "",
        "@ib.source(",
        f'    key="{plan.key}",',
        "    known={",
        *_known(plan),
        "    },",
        ")",
        f"def {plan.name}():",
        f'    """One row {"of the file" if plan.row_number else f"per {plan.key}"}."""',
        *(_reading(plan) if polars else [f"    return {_handle(plan)}"]),
    ]
    return "\n".join(lines) + "\n"


def _needs_polars(plan: Plan) -> bool:
    return bool(plan.renamed or plan.dropped or _names_polars(plan))


def _names_polars(plan: Plan) -> bool:
    return bool(plan.row_number or plan.zoneless or _later(plan) or plan.numbers)


def _later(plan: Plan) -> list[str]:
    """List columns without a zone that are known at the time that they tell."""
    return [c.name for c in plan.columns if c.code == "draft.later" and c.zoneless]


def _known(plan: Plan) -> Iterator[str]:
    if plan.at is None:
        yield "        # The outcome: known only after the decision."
    else:
        yield "        # Guessed: known only when it has come true. How long does that take?"
    yield f'        "{plan.goal.column}": {_after(plan)},'
    for c in plan.columns:
        if c.code in ("draft.leak", "draft.later"):
            yield f"        # {c.name}: {c.why}."
            rule = f'"{c.name}"' if c.code == "draft.later" else _after(plan)
            yield f'        "{c.name}": {rule},'
    yield "        # Guessed: all others are known just before the decision. Check each of them:"
    yield "        # a column that is filled in or corrected later makes the evaluation a lie."
    yield f'        "*": {_ahead(plan)},'


def _ahead(plan: Plan) -> str:
    return "ib.beforehand()" if plan.at is None else 'ib.ahead("1s")'


def _after(plan: Plan) -> str:
    if plan.at is None:
        return "ib.afterwards()"
    return f'ib.after("{plan.at}", "{plan.label_delay}")'


def _handle(plan: Plan) -> str:
    if plan.reader != "csv":
        return f"ib.{plan.reader}(TABLE)"
    separator = "" if plan.separator == "," else f"separator={quoted(plan.separator)}, "
    return f"ib.csv(TABLE, {separator}null_values={tupled(NULL_VALUES)})"


def _reading(plan: Plan) -> Iterator[str]:
    yield f"    file = {_handle(plan)}"
    yield "    table = ib.read(file, Path(__file__).parent)"
    yield from _columns(plan)
    if plan.row_number:
        yield "    # No column tells rows apart: their place in the file does."
        yield '    table = table.with_row_index("row_number").cast({"row_number": pl.Int64})'
    if plan.zoneless:
        yield "    # The times carry no zone: taken as UTC."
        yield f"    at = {_times(plan)}"
        yield '    table = table.with_columns(at.dt.replace_time_zone("UTC"))'
    if _later(plan):
        yield "    # These too: they say when they are known."
        yield "    known = ["
        yield from (f"        {quoted(column)}," for column in _later(plan))
        yield "    ]"
        yield '    later = pl.col(known).cast(pl.Datetime("us")).dt.replace_time_zone("UTC")'
        yield "    table = table.with_columns(later)"
    yield "    return table"


def _times(plan: Plan) -> str:
    column = f"pl.col({quoted(plan.at)})"
    return times_in_python(column, plan.time_format, whole=plan.time_whole)


def _columns(plan: Plan) -> Iterator[str]:
    for how, (comment, lines) in SAYS.items():
        written = [column for column, found in plan.numbers.items() if found == how]
        if written:
            yield f"    # {comment}"
            yield "    columns = ["
            yield from (f"        {quoted(column)}," for column in written)
            yield "    ]"
            yield from (f"    {line}" for line in lines)
            yield "    table = table.with_columns(number)"
    if plan.dropped:
        yield "    # Types that isbjerg does not store."
        yield "    table = table.drop("
        yield from (f"        {quoted(column)}," for column in plan.dropped)
        yield "    )"
    renamed = {old: new for old, new in plan.renamed.items() if old not in plan.dropped}
    if renamed:
        yield "    # A column is a parameter of features, so its name must be one of Python's."
        yield "    table = table.rename("
        yield "        {"
        yield from (f"            {quoted(old)}: {quoted(new)}," for old, new in renamed.items())
        yield "        }"
        yield "    )"
