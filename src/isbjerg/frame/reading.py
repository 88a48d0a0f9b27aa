"""From the text of `frame.toml` to a `Frame`, or to one error that tells every fault.

A reader of a frame wants to mend everything in one go, so nothing here stops at the first
fault: what can be read is read, what cannot is noted with its line, and the relations
between keys are looked at among what could be read.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from isbjerg.frame import frame as parts
from isbjerg.frame import kinds, schema
from isbjerg.frame.faults import Fault, Faults, frame_error, toml_key, toml_text
from isbjerg.frame.frame import Frame
from isbjerg.frame.lines import Path
from isbjerg.frame.relations import note_relations

Values = dict[str, dict[str, Any]]
"""What could be read: values by key, by table."""


def read_frame(text: str) -> Frame:
    r"""Read the text of a `frame.toml`.

    Parameters
    ----------
    text : str
        The whole file.

    Returns
    -------
    Frame
        With defaults where the file is silent.

    Raises
    ------
    FrameError
        When anything is wrong with it. The error tells all faults at once, each with its
        line and with what to write instead; its ``facts["faults"]`` holds them as values.

    Examples
    --------
    >>> frame = read_frame('''
    ... objective = "Tell passengers when their flight will land late."
    ... [unit]
    ... source = "flights"
    ... at = "sched_dep_utc - 2h"
    ... [target]
    ... feature = "late"
    ... kind = "binary"
    ... [metric]
    ... primary = "average_precision"
    ... ''')
    >>> str(frame.unit.at), frame.split.test
    ('sched_dep_utc - 2h', 0.2)

    A slip of the pen and a forgotten key are told together:

    >>> from isbjerg.errors import FrameError
    >>> try:
    ...     read_frame('objective = "Fewer surprises."\n[metric]\nprimery = "brier"')
    ... except FrameError as error:
    ...     print([(fault.line, fault.mend.splitlines()[0]) for fault in error.facts["faults"]])
    [(3, 'primary = "brier"'), (4, '[unit]'), (4, '[target]')]
    """
    text = text.removeprefix("\ufeff")
    document = _parse(text)
    faults = Faults(text)
    values = _read_tables(document, faults)
    note_relations(values, faults)
    if faults.found:
        raise frame_error(faults.found)
    return _build(values)


def _parse(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as fault:
        raise frame_error([_syntax_fault(text, str(fault))]) from fault


def _syntax_fault(text: str, sentence: str) -> Fault:
    """Tell a fault of syntax like any other, with a mend for the usual ones."""
    lines = text.splitlines() or [""]
    place = re.search(r"\(at (?:line (\d+), column (\d+)|end of document)\)", sentence)
    number = int(place[1]) if place and place[1] else len(lines)
    line = lines[min(number, len(lines)) - 1]
    what = re.sub(r"\s*\(at .*\)$", "", sentence)
    return Fault(
        number, f"this is not TOML: {what}. Got {line.strip()!r}.", _syntax_mend(what, line)
    )


def _syntax_mend(what: str, line: str) -> str:
    if what.startswith("Cannot"):  # overwrite a value, declare a table twice
        return "remove this line, or the earlier one of that name"
    pair = re.fullmatch(r"\s*([\w.\"-]+)\s*([=:])\s*(.*?)\s*", line)
    if pair is None:
        return "close the quotes and the brackets; each line is `key = value` or `[table]`"
    key, value = pair[1], pair[3]
    if value in {"True", "False"}:
        return f"{key} = {value.lower()}"
    bare = value.strip("\"'")
    if pair[2] == ":" and value[:1] in {'"', "[", "{"}:
        return f"{key} = {value}"
    return f'{key} = "{bare}"' if '"' not in bare else "close the quotes and the brackets"


def _read_tables(document: Mapping[str, Any], faults: Faults) -> Values:
    _note_unknown_tables(document, faults)
    values: Values = {}
    for table in schema.TABLES:
        content = document if not table.name else document.get(table.name, {})
        if not isinstance(content, dict):
            faults.add((table.name,), f"`{table.name}` must be a table.", _paste(table))
            continue
        if table.required and table.name and table.name not in document:
            faults.add_at(
                faults.line_after_last, f"the table {table.place} is missing.", _paste(table)
            )
            continue
        values[table.name] = _read_table(
            table, content, (table.name,) if table.name else (), faults
        )
    values["metric"] = _with_guardrails(values.get("metric", {}), faults)
    values["references"] = _read_references(document.get("references", {}), faults)
    return values


def _read_table(
    table: schema.Table, content: Mapping[str, Any], path: Path, faults: Faults
) -> dict[str, Any]:
    if path:
        _note_unknown_keys(table, content, path, faults)
    unknown = [name for name in content if table.key(name) is None]
    values: dict[str, Any] = {}
    for key in table.keys:
        if key.name in content:
            _read_into(values, (*path, key.name), key, content[key.name], faults)
        elif key.required and not get_close_matches(key.name, unknown, n=1, cutoff=0.7):
            # A misspelt key is one slip, told once, where it stands.
            faults.add(path, f"`{key.name}` is missing {_from(path)}.", key.line)
    return values


def _from(path: Path) -> str:
    return f"from [{'.'.join(map(str, path))}]" if path else "from the top of frame.toml"


def _read_into(
    values: dict[str, Any], path: Path, key: schema.Key, value: Any, faults: Faults
) -> None:
    try:
        values[key.name] = key.read(value)
    except kinds.Refusal as refusal:
        faults.add(
            path, _refused(path, refusal, value), f"{toml_key(key.name)} = {refusal.instead}"
        )


def _refused(path: Path, refusal: kinds.Refusal, value: Any) -> str:
    place = ".".join(str(step) for step in path[:-1])
    where = f" of [{place}]" if place else ""
    return f"`{path[-1]}`{where} must {refusal.rule}. Got {toml_text(value)}."


def _with_guardrails(values: dict[str, Any], faults: Faults) -> dict[str, Any]:
    """Read the members of ``[metric] guardrails``, whose keys are names of metrics."""
    read: dict[str, Any] = {}
    for name, bound in values.get("guardrails", {}).items():
        path: Path = ("metric", "guardrails", name)
        try:
            known = kinds.metric(name)
        except kinds.Refusal as refusal:
            message = f"`{name}` of [metric.guardrails] is no metric; it must {refusal.rule}."
            meant = refusal.instead.strip('"')
            faults.add(path, message, _line(_guardrail_key(meant), bound))
            continue
        _read_into(read, path, _guardrail_key(known), bound, faults)
    return {**values, "guardrails": tuple(read.values())}


def _guardrail_key(metric: str) -> schema.Key:
    return schema.Key(metric, kinds.guardrail(metric), '"<= 0.14"', "The bound of a metric.")


def _read_references(content: Any, faults: Faults) -> dict[str, Any]:
    if not isinstance(content, dict):
        faults.add(("references",), "`references` must be a table.", _reference("human"))
        return {}
    found = {}
    for name, reference in content.items():
        path: Path = ("references", name)
        if not isinstance(reference, dict):
            value = toml_text(reference) if isinstance(reference, int | float) else "0.31"
            faults.add(
                path,
                f"`{name}` of [references] must say its value and where it comes from."
                f" Got {toml_text(reference)}.",
                _reference(name, value),
            )
            continue
        found[name] = _read_table(schema.REFERENCE, reference, path, faults)
    return found


def _reference(name: str, value: str = "0.31") -> str:
    return f'{name} = {{ value = {value}, source = "dispatchers, sample of March 2013" }}'


def _note_unknown_tables(document: Mapping[str, Any], faults: Faults) -> None:
    tables = [table.name for table in schema.TABLES if table.name] + ["references"]
    tops = [key.name for key in schema.TOP.keys]
    for name, content in document.items():
        if name in tables or name in tops:
            continue
        if isinstance(content, dict):
            close = get_close_matches(name.lower(), tables, n=1)
            mend = f"[{close[0]}]" if close else f"remove it; known tables: {', '.join(tables)}"
            faults.add((name,), f"[{name}] is not a table of a frame.", mend)
        else:
            _note_unknown_key(schema.TOP, document, (name,), faults)


def _note_unknown_keys(
    table: schema.Table, content: Mapping[str, Any], path: Path, faults: Faults
) -> None:
    for name in content:
        if table.key(name) is None:
            _note_unknown_key(table, content, (*path, name), faults)


def _note_unknown_key(
    table: schema.Table, content: Mapping[str, Any], path: Path, faults: Faults
) -> None:
    """Tell the closest unused key of the same table, else the table where such a key belongs."""
    *place, name = (str(step) for step in path)
    value = content[name]
    free = [key.name for key in table.keys if key.name not in content]
    close = get_close_matches(name.lower(), free, n=1, cutoff=0.7)
    meant = table.key(close[0]) if close else None
    # A key of several tables (`seed`) is more often meant where it decides about more: later.
    home = next((other for other in reversed(schema.TABLES) if other.key(name)), None)
    if meant is not None:
        mend = _line(meant, value)
        hint = f" Did you mean `{meant.name}`?"
    elif home is not None and (moved := home.key(name)) is not None:
        mend = home.heading + _line(moved, value)
        hint = f" It belongs {'into ' + home.place if home.name else 'above the first table'}."
    else:
        mend = f"remove it; known keys: {', '.join(key.name for key in table.keys)}"
        hint = ""
    where = f"of [{'.'.join(place)}]" if place else "at the top of frame.toml"
    faults.add(path, f"`{name}` is not a key {where}.{hint}", mend)


def _line(key: schema.Key, value: Any) -> str:
    """Write the line that was meant, with a value that `key` will take."""
    try:
        key.read(value)
    except kinds.Refusal as refusal:
        return f"{toml_key(key.name)} = {refusal.instead}"
    return f"{toml_key(key.name)} = {toml_text(value)}"


def _paste(table: schema.Table) -> str:
    """Write the lines that a missing table needs."""
    required = [key.line for key in table.keys if key.required]
    return table.heading + "\n".join(required or [table.keys[0].line])


def _build(values: Values) -> Frame:
    split = {
        {"validation_from": "validation_from_us", "test_from": "test_from_us"}.get(k, k): v
        for k, v in values["split"].items()
    }
    return Frame(
        **values[""],
        unit=parts.Unit(**values["unit"]),
        target=parts.Target(**values["target"]),
        metric=parts.Metric(**values["metric"]),
        value=parts.Value(**values["value"]) if values["value"] else None,
        references=tuple(parts.Reference(name=n, **v) for n, v in values["references"].items()),
        slices=values["slices"].get("by", ()),
        budget=parts.Budget(**values["budget"]),
        retrain=values["freshness"].get("retrain"),
        window_us=values["freshness"].get("window"),
        release=parts.Release(**values["release"]),
        split=parts.Split(**split),
        seed=values["run"].get("seed", 0),
        memory_bytes=values["run"].get("memory"),
    )
