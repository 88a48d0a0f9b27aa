"""What must hold between the keys of a frame, looked at among those that could be read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from isbjerg.frame.faults import Faults
from isbjerg.frame.metrics import closest_metric, find_metric, metric_names
from isbjerg.times import DAY_US, format_instant

Values = Mapping[str, Mapping[str, Any]]


def note_relations(values: Values, faults: Faults) -> None:
    """Note every pair of keys that contradict each other."""
    _metrics_measure_the_target(values, faults)
    _values_need_a_binary_target(values, faults)
    _only_a_ranking_has_lists(values.get("target", {}), faults)
    _split_is_one_of_two_kinds(values.get("split", {}), faults)
    _splitting_in_time_needs_a_time(values, faults)
    _shares_need_a_strategy(values.get("release", {}), faults)


def _metrics_measure_the_target(values: Values, faults: Faults) -> None:
    kind = values.get("target", {}).get("kind")
    metric = values.get("metric", {})
    if kind is None:
        return
    named = [("primary", metric["primary"])] if "primary" in metric else []
    named += [("guardrails", guardrail.metric) for guardrail in metric.get("guardrails", ())]
    for key, name in named:
        known = find_metric(name)
        if known is not None and kind not in known.kinds:
            path = ("metric", key) if key == "primary" else ("metric", key, name)
            fitting = metric_names(kind)
            instead = closest_metric(name, kind) or fitting[0].replace("K", "10")
            mend = (
                f'primary = "{instead}"'
                if key == "primary"
                else f"remove it, or name one of {', '.join(fitting)}"
            )
            faults.add(
                path,
                f"`{name}` measures a {' or '.join(known.kinds)} target, this one is {kind}."
                f" It must be one of {', '.join(fitting)}.",
                mend,
            )


def _values_need_a_binary_target(values: Values, faults: Faults) -> None:
    kind = values.get("target", {}).get("kind", "binary")
    if values.get("value") and kind != "binary":
        faults.add(
            ("value",),
            f"[value] weighs the answers yes and no, which a {kind} target does not have.",
            "remove the table [value]",
        )


def _only_a_ranking_has_lists(target: Mapping[str, Any], faults: Faults) -> None:
    kind = target.get("kind")
    if kind == "ranking" and "group" not in target and not faults.has(("target", "group")):
        faults.add(
            ("target", "kind"),
            "A ranking orders the rows of a list; `group` of [target] must say which rows are one.",
            'kind = "ranking"\ngroup = "search_id"',
        )
    for key in ("group", "holdout"):
        if kind not in {"ranking", None} and key in target:
            faults.add(
                ("target", key),
                f"`{key}` of [target] belongs to a ranking; this target is {kind}.",
                'remove it, or write kind = "ranking"',
            )


def _split_is_one_of_two_kinds(split: Mapping[str, Any], faults: Faults) -> None:
    fractions = [key for key in ("validation", "test") if key in split]
    dates = [key for key in ("validation_from", "test_from") if key in split]
    if fractions and dates:
        faults.add(
            ("split", fractions[0]),
            f"[split] must part the rows by fractions or by dates, not both."
            f" Got `{fractions[0]}` and `{dates[0]}`.",
            f"remove `{fractions[0]}`, or all dates",
        )
    if len(dates) == 1:
        _note_lone_date(dates[0], split[dates[0]], faults)
    if len(dates) > 1 and split["validation_from"] >= split["test_from"]:
        early = _toml_instant(split["test_from"] - 30 * DAY_US)
        faults.add(
            ("split", "validation_from"),
            "`validation_from` of [split] must lie before `test_from`."
            f" Got {format_instant(split['validation_from'])}"
            f" and {format_instant(split['test_from'])}.",
            f"validation_from = {early}",
        )
    total = split.get("validation", 0.2) + split.get("test", 0.2)
    if fractions and total >= 1:
        faults.add(
            ("split", fractions[0]),
            f"`validation` and `test` of [split] must leave rows to train on. Got {total:g} of 1.",
            "validation = 0.2\ntest = 0.2",
        )


def _splitting_in_time_needs_a_time(values: Values, faults: Faults) -> None:
    split, unit = values.get("split", {}), values.get("unit", {})
    dates = [key for key in ("validation_from", "test_from") if key in split]
    if split.get("how") == "random":
        if dates:
            faults.add(
                ("split", dates[0]),
                f'`{dates[0]}` of [split] is a date, and `how = "random"` does not look at dates.',
                f'remove `{dates[0]}`, or how = "time"',
            )
        return
    if "source" not in unit or "at" in unit or faults.has(("unit", "at")):
        return
    if "window" in values.get("freshness", {}):
        faults.add(
            ("freshness", "window"),
            "`window` of [freshness] takes the newest rows, but [unit] does not say when a decision"
            " is taken.",
            'remove `window`, or say at = "COLUMN" in [unit]',
        )
    for key in [*(["how"] if "how" in split else []), *dates]:
        faults.add(
            ("split", key),
            f"`{key}` of [split] parts the rows in time, but [unit] does not say when a decision"
            " is taken.",
            'how = "random"' if key == "how" else f'remove `{key}`, or say at = "COLUMN" in [unit]',
        )


def _note_lone_date(given: str, at_us: int, faults: Faults) -> None:
    other = "test_from" if given == "validation_from" else "validation_from"
    if faults.has(("split", other)):
        return
    shift_us = 30 * DAY_US if other == "test_from" else -30 * DAY_US
    faults.add(
        ("split", given),
        f"`{given}` of [split] needs `{other}` beside it.",
        f"{other} = {_toml_instant(at_us + shift_us)}",
    )


def _toml_instant(at_us: int) -> str:
    return format_instant(at_us).removesuffix("T00:00:00Z")


def _shares_need_a_strategy(release: Mapping[str, Any], faults: Faults) -> None:
    shares = release.get("shares", (1.0,))
    strategy = release.get("strategy", "direct")
    if len(shares) > 1 and strategy not in {"canary", "ab"}:
        faults.add(
            ("release", "shares"),
            f"`shares` of [release] are steps of a canary or an A/B test; the strategy is {strategy}.",
            'strategy = "canary"',
        )
