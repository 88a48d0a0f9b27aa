"""From a table of units to records of predictions: what a server does with a row, for many.

The same contract, the same features as known at the time, the same predictor; only that rows
are told apart by masks instead of one by one. A row that a server would refuse is set aside with
its reason, a row that it would flag carries the same findings.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from isbjerg.data.checking import check
from isbjerg.data.contract import Contract, check_row
from isbjerg.errors import ModelError
from isbjerg.features.assembly import assemble
from isbjerg.features.sets import FeatureSet
from isbjerg.findings import Finding
from isbjerg.models.answers import read_score
from isbjerg.models.bundle import Bundle
from isbjerg.models.fitted import Class
from isbjerg.models.predictors import Predictor
from isbjerg.models.ranking import HELD_OUT, places
from isbjerg.storage.ids import batch_ids
from isbjerg.storage.ledger import lookup_missing, unit_key
from isbjerg.workflows.units import AT

REFUSED = "_refused"
"""Column of rows set aside: why each of them was."""

PLACE = "_place"
"""Column of units: which row of the input each was, counted from 0."""

_FINDINGS = "_findings"
_REFUSING = frozenset({"error", "blocking"})


class Sifted(NamedTuple):
    """Rows that are answered, with the findings that they carry; and those set aside."""

    units: pl.DataFrame
    aside: pl.DataFrame


class Maker(msgspec.Struct, frozen=True, kw_only=True):
    """What all records of a batch have in common.

    Parameters
    ----------
    batch : str
        Its id.
    epoch : int
        The serving plan in force.
    model_version : int
        Which answers.
    received_us : int
        When it was begun.
    route : str
        ``batch``, or ``replay`` when each row was decided at its own time.
    purpose : str
        What the caller said it is for.
    top : int or None
        How many of each list are shown; ``None`` for all.
    """

    batch: str
    epoch: int
    model_version: int
    received_us: int
    route: str
    purpose: str
    top: int | None = None


def sift(bundle: Bundle, units: pl.DataFrame, of_all: Sequence[Finding] = ()) -> Sifted:
    """Part rows that a server would answer from those that it would refuse.

    Parameters
    ----------
    bundle : Bundle
        Whose contract the rows must keep.
    units : DataFrame
        Its columns in carriers, `AT` and `PLACE`.
    of_all : sequence of Finding
        What every row carries.
    """
    names = list(bundle.asked)
    fields = tuple(f for f in bundle.contract if f.name in names)
    lax = Contract(table=bundle.unit.source, key=bundle.unit.key, fields=fields)
    strict = msgspec.structs.replace(
        lax,
        key=("_i",),  # each row once: a unit may be decided about twice
        fields=tuple(
            msgspec.structs.replace(
                f,
                required=f.required or f.name in lax.key,
                unique=False,
                range_severity="error",
                values_severity="error",
            )
            for f in fields
        ),
    )
    undated = units[AT].is_null()
    rows = units.select(*(f.name for f in fields), _i=pl.int_range(pl.len()))
    suspect = check(strict, rows).failed
    reasons: dict[int, str] = dict.fromkeys(undated.arg_true(), "it has no time of the decision")
    told: dict[int, list[dict[str, Any]]] = {}
    for place in suspect["_i"].to_list():
        found = check_row(lax, _carriers(units[place], names), names)
        refusing = [f for f in found if f.failed and f.severity in _REFUSING]
        if refusing:
            reasons.setdefault(place, f"{refusing[0].message} [{refusing[0].code}]")
        elif found:
            told[place] = [msgspec.to_builtins(f) for f in found if f.failed]
    for name in (n for n in lax.key if n not in {f.name for f in fields}):
        for place in units[name].is_null().arg_true():
            reasons.setdefault(int(place), f"'{name}' must be given.")
    encode = msgspec.json.encode
    common = [msgspec.to_builtins(finding) for finding in of_all]
    ordinary = encode(common).decode()
    noted = [
        encode([*told[i], *common]).decode() if i in told else ordinary for i in range(units.height)
    ]
    kept = pl.Series([i not in reasons for i in range(units.height)], dtype=pl.Boolean)
    aside = units.filter(~kept).with_columns(
        pl.Series(REFUSED, [reasons[i] for i in sorted(reasons)], pl.String)
    )
    return Sifted(units.with_columns(pl.Series(_FINDINGS, noted, pl.String)).filter(kept), aside)


def _carriers(row: pl.DataFrame, names: Sequence[str]) -> dict[str, Any]:
    times = [c for c in names if row.schema[c].is_temporal()]
    return row.select(names).with_columns(pl.col(times).to_physical()).row(0, named=True)


def records(
    bundle: Bundle,
    predictor: Predictor,
    units: pl.DataFrame,
    facts: Mapping[str, pl.DataFrame],
    maker: Maker,
    *,
    first: int,
    took_us: int = 0,
) -> pl.DataFrame:
    """Answer units and write the records, in the ledger's columns.

    Parameters
    ----------
    bundle, predictor
        What answers.
    units : DataFrame
        As `sift` lets them through.
    facts : mapping of str to DataFrame
        Of each source that is looked up.
    maker : Maker
        What all records have in common.
    first : int
        Number of the first record in the batch.
    took_us : int
        Microseconds for each row, as far as they are known.

    Raises
    ------
    ModelError
        When a score is no number.
    """
    made = bundle.feature_set
    assembled = assemble(units, AT, made, facts)
    scores, outputs = _said(predictor.predict_many(assembled), bundle.classes)
    asked = list(bundle.asked)
    subject = bundle.unit.subject
    own = assembled.select(asked).with_columns(pl.col(pl.Datetime, pl.Duration).to_physical())
    keys = _unit_keys(own, bundle.unit.key)
    why = [f"batch {maker.batch[:12]}"] * units.height
    if bundle.unit.group or maker.top is not None:
        where = places(_unit_keys(own, bundle.unit.group), keys, scores, bundle.unit.holdout)
        outputs = [msgspec.json.encode(place.output(maker.top)).decode() for place in where]
        why = [HELD_OUT if place.chance else told for place, told in zip(where, why, strict=True)]
    return pl.DataFrame(
        {
            "id": batch_ids(maker.batch, maker.received_us, first, units.height),
            "unit_key": keys,
            "score": scores,
            "inputs": _json(own, {name: name for name in own.columns}),
            "slots": _json(assembled, {f"slot:{s.name}": s.name for s in made.slots}),
            "features": _json(assembled, {f"feature:{name}": name for name in made.outputs}),
        }
    ).select(
        "id",
        _all(maker.epoch, "epoch", pl.Int64),
        "unit_key",
        (own[subject].cast(pl.String) if subject else pl.lit(None, pl.String)).alias("subject"),
        assembled[AT].dt.epoch("us").alias("at_us"),
        _all(maker.received_us, "received_us", pl.Int64),
        _all(maker.route, "route", pl.String),
        pl.Series("why", why, pl.String),
        _all(maker.model_version, "model_version", pl.Int64),
        _all(bundle.hash, "bundle", pl.String),
        "score",
        "inputs",
        "slots",
        "features",
        _findings(assembled, made),
        _all(took_us, "latency_us", pl.Int64),
        _all(maker.purpose, "purpose", pl.String),
        pl.Series("output", outputs, pl.String),
    )


def _findings(assembled: pl.DataFrame, made: FeatureSet) -> pl.Series:
    """Add to what the contract flagged the sources of which nothing was known."""
    noted = assembled[_FINDINGS].to_list()
    for source, names in made.lookups:
        blank = assembled.select(pl.all_horizontal(pl.col(f"slot:{n}").is_null() for n in names))
        for row in blank.to_series().arg_true():
            told = [*msgspec.json.decode(noted[row]), lookup_missing(source)]
            noted[row] = msgspec.json.encode(told).decode()
    return pl.Series("findings", noted, pl.String)


def _said(
    answers: NDArray[np.float64], classes: tuple[Class, ...]
) -> tuple[list[float], list[str | None]]:
    """Read answers as a server does: the score, and of classes what else is said."""
    if not np.isfinite(answers).all():
        raise ModelError(
            f"{int((~np.isfinite(answers)).sum())} of {answers.size} scores are no numbers.",
            code="ISB404",
            mend="isbjerg run",
        )
    if answers.ndim == 1:
        return answers.tolist(), [None] * len(answers)
    read = [read_score(tuple(row), classes) for row in answers.tolist()]
    encode = msgspec.json.encode
    return [score for score, _ in read], [encode(output).decode() for _, output in read]


def _all(value: object, name: str, dtype: Any) -> pl.Expr:
    return pl.lit(value, dtype=dtype).alias(name)


def _unit_keys(own: pl.DataFrame, key: Sequence[str]) -> list[str]:
    if not key:
        return [unit_key(())] * own.height
    return [unit_key(values) for values in own.select(key).iter_rows()]


def _json(table: pl.DataFrame, names: Mapping[str, str]) -> list[str] | pl.Series:
    """Write columns of each row as a JSON object; numbers come back with the same bits.

    A table without the columns has its rows all the same: one empty object for each.
    """
    if not names:
        return ["{}"] * table.height
    chosen = table.select(pl.col(column).alias(name) for column, name in names.items())
    plain = chosen.with_columns(pl.col(pl.Datetime, pl.Duration).to_physical())
    return plain.select(pl.struct(pl.all()).struct.json_encode()).to_series()
