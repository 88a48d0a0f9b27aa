"""Write sources.py: how the table is read, and when each column becomes known."""

from __future__ import annotations

from collections.abc import Iterator

from isbjerg.workflows.drafting_plan import NULL_VALUES, Plan, quoted, tupled


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
    return bool(plan.row_number or plan.zoneless or plan.decimal_commas)


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
    if not plan.is_csv:
        return "ib.parquet(TABLE)"
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
    yield "    return table"


def _times(plan: Plan) -> str:
    column, form = f"pl.col({quoted(plan.at)})", plan.time_format
    if form is None:
        return f'{column}.cast(pl.Datetime("us"))'
    kind = "datetime" if "%H" in form else "date"
    return f'{column}.str.to_{kind}({quoted(form)}).cast(pl.Datetime("us"))'


def _columns(plan: Plan) -> Iterator[str]:
    if plan.decimal_commas:
        yield "    # Numbers with a decimal comma: 1.234,5 is 1234.5."
        yield "    commas = ["
        yield from (f"        {quoted(column)}," for column in plan.decimal_commas)
        yield "    ]"
        yield '    plain = pl.col(commas).str.replace_all(".", "", literal=True)'
        yield '    number = plain.str.replace(",", ".", literal=True).cast(pl.Float64)'
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
