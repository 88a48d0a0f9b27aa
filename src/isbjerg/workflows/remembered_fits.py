"""Take the fit of an earlier run that had the same to learn from.

A fit follows from its feature set, its parameters, the rows and how they were parted, the seed,
and the code and libraries that fit; that is its name. Kept are the bundle's files and the scores,
and a bundle that comes back is read as any other, trusting nothing.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from isbjerg.canonical import sha256
from isbjerg.errors import BundleError
from isbjerg.features.definitions import Feature
from isbjerg.frame.frame import Frame
from isbjerg.models import bundle, onnx_fit
from isbjerg.models.definitions import Candidate
from isbjerg.models.fitted import Carriage
from isbjerg.workflows.caching import Remembering, name_of, read_array, write_array
from isbjerg.workflows.fitting import FittedRung
from isbjerg.workflows.preparing import Prepared
from isbjerg.workflows.project_files import Rung
from isbjerg.workflows.searching import Searched

RUNGS = "rungs"


class _Kept(msgspec.Struct, frozen=True):
    files: dict[str, bytes]
    choosing: bytes
    scores: bytes
    notes: tuple[str, ...]
    carriage: Carriage | None = None
    searched: Searched | None = None


class Recalled(NamedTuple):
    """What an earlier run left of a rung, and the name under which it is kept.

    What is evaluated only has nothing that could be kept, and has no name.
    """

    key: str | None
    rung: FittedRung | None


def recall(
    name: str, prepared: Prepared, frame: Frame, folder: Path, remembering: Remembering
) -> Recalled:
    """Look for the fit of an earlier run that had the same to learn from."""
    key = _name(name, prepared, frame, folder)
    kept = remembering.find(RUNGS, name, key)
    return Recalled(key, None if kept is None else _read(name, kept))


def keep(recalled: Recalled, made: FittedRung, remembering: Remembering) -> None:
    """Keep what `isbjerg.workflows.fitting.fit_rung` made, for later runs."""
    if made.bundle is not None:
        remembering.keep(recalled.key, lambda: _write(made))


def _name(name: str, prepared: Prepared, frame: Frame, folder: Path) -> str | None:
    rung = prepared.rungs.get(name)
    if isinstance(rung, Candidate) and not rung.spec.repeatable:
        return None
    return name_of(
        piece="rung",
        rung=name,
        fits=_definition(rung, frame, folder),
        feature_set=prepared.sets[name].hash,
        learnt_by=prepared.asked[name].hash if name in prepared.asked else None,
        unit=msgspec.to_builtins(prepared.unit),
        contract=msgspec.to_builtins(prepared.contract),
        target_kind=frame.target.kind,
        learns_from=prepared.name,
        seed=frame.seed,
        format=bundle.BUNDLE_VERSION,
    )


def _definition(rung: Rung | None, frame: Frame, folder: Path) -> Any:
    """Say what is fitted: a rule is its feature set; a candidate is its kind and parameters."""
    if rung is None or isinstance(rung, Feature):
        return None
    spec = rung.spec
    told: list[Any] = [spec.kind, spec.record()]
    if spec.kind == "onnx":
        told.append(sha256(onnx_fit.read(folder, dict(spec.parameters)["file"])))
    if spec.search is not None:
        told.append(frame.metric.primary)
    return told


def _write(rung: FittedRung) -> bytes:
    return msgspec.msgpack.encode(
        _Kept(
            rung.files,
            write_array(rung.choosing),
            write_array(rung.scores),
            rung.notes,
            rung.carriage,
            rung.searched,
        )
    )


def _read(name: str, content: bytes) -> FittedRung | None:
    kept = msgspec.msgpack.decode(content, type=_Kept)
    try:
        made = bundle.from_files(kept.files)
    except BundleError:  # of a format that is not read any more
        return None
    return FittedRung(
        name,
        made,
        kept.files,
        read_array(kept.choosing),
        read_array(kept.scores),
        kept.notes,
        carriage=kept.carriage,
        searched=kept.searched,
    )
