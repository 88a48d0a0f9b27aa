"""The answers of a batch as they are published: beside the keys of the rows that they are about."""

from __future__ import annotations

import msgspec
import polars as pl

from isbjerg.expressions.polars import polars_type
from isbjerg.expressions.tree import Type
from isbjerg.models.bundle import Bundle
from isbjerg.storage.batch_parts import Batch, BatchParts


def answers(bundle: Bundle, parts: BatchParts, batch: Batch, units: pl.DataFrame) -> pl.DataFrame:
    """Put the answers of the ledger beside the keys of the rows that they are about.

    Parameters
    ----------
    bundle : Bundle
        Whose answers they are.
    parts, batch
        Where they are recorded.
    units : DataFrame
        The rows that were answered, in the order of their records.

    Returns
    -------
    DataFrame
        The unit's key, ``prediction_id``, ``at``, ``model``, ``score``; of classes ``class`` and a
        probability of each; of lists their group, ``rank`` and ``of``, list after list, best first.
    """
    columns = ["id", "at_us", "model_version", "score", "output"]
    recorded = pl.concat(parts.read(batch, columns)) if batch.parts else _nothing()
    told = recorded.select(
        pl.col("id").alias("prediction_id"),
        pl.col("at_us").cast(polars_type(Type.INSTANT)).alias("at"),
        pl.col("model_version").alias("model"),
        "score",
    )
    named = list(dict.fromkeys([*bundle.unit.key, *bundle.unit.group]))
    if bundle.classes:
        told = told.hstack(_classes(recorded["output"]))
    found = units.select(named).hstack(told)
    ranked = recorded["output"].drop_nulls().to_list()
    return found if bundle.classes or not ranked else _in_order(found, ranked)


def _classes(output: pl.Series) -> pl.DataFrame:
    said = [msgspec.json.decode(text) for text in output]
    probabilities = [one["probabilities"] for one in said]
    names = probabilities[0] if probabilities else ()
    return pl.DataFrame(
        [
            pl.Series("class", [one["class"] for one in said]),
            *(
                pl.Series(f"p_{name}", [p[name] for p in probabilities], pl.Float64)
                for name in names
            ),
        ]
    )


def _in_order(found: pl.DataFrame, ranked: list[str]) -> pl.DataFrame:
    """Show of each list what is shown, best first."""
    places = [msgspec.json.decode(text) for text in ranked]
    lists = {name: n for n, name in enumerate(dict.fromkeys(p["list"] for p in places))}
    ordered = found.with_columns(
        pl.Series("rank", [p["rank"] for p in places], pl.Int64),
        pl.Series("of", [p["of"] for p in places], pl.Int64),
        pl.Series("_shown", [p["shown"] for p in places], pl.Boolean),
        pl.Series("_list", [lists[p["list"]] for p in places], pl.Int64),
    )
    return ordered.filter("_shown").sort("_list", "rank").drop("_shown", "_list")


def _nothing() -> pl.DataFrame:
    return pl.DataFrame(
        schema={
            "id": pl.String,
            "at_us": pl.Int64,
            "model_version": pl.Int64,
            "score": pl.Float64,
            "output": pl.String,
        }
    )
