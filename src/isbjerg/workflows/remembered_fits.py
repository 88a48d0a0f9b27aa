"""Fit a rung, or take the fit of an earlier run that had the same to learn from.

A fit follows from its feature set, its parameters, the rows and how they were parted, the seed,
and the code and libraries that fit; that is its name. Kept are the bundle's files and the scores,
and a bundle that comes back is read as any other, trusting nothing.
"""

from __future__ import annotations

from typing import Any

import msgspec

from isbjerg.errors import BundleError
from isbjerg.features.definitions import Feature
from isbjerg.models import bundle
from isbjerg.models.fitted import TargetKind
from isbjerg.workflows.caching import Remembering, name_of, read_array, write_array
from isbjerg.workflows.fitting import FittedRung, fit_rung
from isbjerg.workflows.preparing import Prepared

RUNGS = "rungs"


class _Kept(msgspec.Struct, frozen=True):
    files: dict[str, bytes]
    choosing: bytes
    scores: bytes
    notes: tuple[str, ...]


def fit_remembered(
    name: str, prepared: Prepared, target_kind: TargetKind, seed: int, remembering: Remembering
) -> FittedRung:
    """Fit a rung as `isbjerg.workflows.fitting.fit_rung` does, unless an earlier run did."""
    key = _name(name, prepared, target_kind, seed)
    kept = remembering.find(RUNGS, name, key)
    if kept is not None and (found := _read(name, kept)) is not None:
        return found
    made = fit_rung(name, prepared, target_kind, seed)
    remembering.keep(key, lambda: _write(made))
    return made


def _name(name: str, prepared: Prepared, target_kind: TargetKind, seed: int) -> str | None:
    return name_of(
        piece="rung",
        rung=name,
        fits=_definition(prepared.rungs.get(name)),
        feature_set=prepared.sets[name].hash,
        learnt_by=prepared.asked[name].hash if name in prepared.asked else None,
        unit=msgspec.to_builtins(prepared.unit),
        contract=msgspec.to_builtins(prepared.contract),
        target_kind=target_kind,
        learns_from=prepared.name,
        seed=seed,
        format=bundle.BUNDLE_VERSION,
    )


def _definition(rung: Any) -> Any:
    """Say what is fitted: a rule is its feature set; a candidate is its kind and parameters."""
    if rung is None or isinstance(rung, Feature):
        return None
    return [rung.spec.kind, dict(rung.spec.parameters)]


def _write(rung: FittedRung) -> bytes:
    return msgspec.msgpack.encode(
        _Kept(rung.files, write_array(rung.choosing), write_array(rung.scores), rung.notes)
    )


def _read(name: str, content: bytes) -> FittedRung | None:
    kept = msgspec.msgpack.decode(content, type=_Kept)
    try:
        made = bundle.from_files(kept.files)
    except BundleError:  # of a format that is not read any more
        return None
    return FittedRung(
        name, made, kept.files, read_array(kept.choosing), read_array(kept.scores), kept.notes
    )
