"""A bundle: all that is needed to ask a model, in formats that carry no code.

A bundle is a manifest (``bundle.json``, canonical JSON) and a few files that it names by
SHA-256; its hash is the SHA-256 of the manifest. It holds the feature set, so a server needs
neither the project nor its code, and the part of the contract that a request must keep.

Bundles are read as if a stranger had written them: sizes and depths are bounded, every hash
is checked, every tree may use known operations only, and nothing in it is ever executed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from isbjerg.canonical import canonical_json, content_hash, sha256
from isbjerg.data.contract import Field
from isbjerg.errors import BundleError, IsbjergError
from isbjerg.expressions.checking import check, is_carrier
from isbjerg.expressions.inference import infer
from isbjerg.expressions.pins import pins
from isbjerg.expressions.tree import FORMAT_VERSION as TREE_FORMAT_VERSION
from isbjerg.expressions.tree import SEMANTICS_VERSION, Node, Type
from isbjerg.features.sets import FeatureSet, Known
from isbjerg.models.encoding import Encoder
from isbjerg.models.fitted import Class, Fitted, Kind, TargetKind, Tolerance

BUNDLE_VERSION = 2
"""Layout of the manifest; a larger one is refused.

Version 2 knows the classes of a multiclass target, lists, units without a time, ONNX models,
tolerances;
what it adds is left out where it says nothing, so that a manifest of version 1 is read and written as it was.
"""

MANIFEST = "bundle.json"

MANIFEST_BYTES_MAX = 16 * 2**20
FILE_BYTES_MAX = 256 * 2**20
FILES_MAX = 8
CLASSES_MAX = 1_000
DEPTH_MAX = 200
"""How deep a manifest may nest: far above what is written by hand, far below a stack."""

_NO_BRACKETS = bytes(b for b in range(256) if b not in b"[]{}")
_FILE_NAME = re.compile(r"[a-z0-9][a-z0-9_]{0,40}\.[a-z]{1,8}")


class Unit(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one prediction is about.

    Parameters
    ----------
    source : str
        Table whose rows are the units.
    key : tuple of str
        Its columns that identify a unit.
    subject : str or None
        Its column that names the person or thing concerned.
    at : Known or None
        The decision time: a column and an offset; ``None`` when decisions have none. Bundles of
        format 1 always have one.
    target : Node
        The target, typed over the source's columns, so that outcomes are settled with the
        definition that the model was trained on.
    group : tuple of str
        For a ranking: its columns whose equal values make one list. Since version 2.
    holdout : float
        Share of the lists that are answered in random order. Since version 2.
    """

    source: str
    key: tuple[str, ...]
    subject: str | None
    at: Known | None
    target: Node
    group: tuple[str, ...] = ()
    holdout: float = 0.0


class Bundle(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The manifest of a bundle.

    Parameters
    ----------
    format_version : int
        `BUNDLE_VERSION` when it was written.
    rung : str
        Name of the rung or candidate.
    kind : {"constant", "rule", "linear", "boosted_trees", "onnx"}
        Which predictor reads it.
    target_kind : {"binary", "regression", "multiclass", "ranking"}
        What is predicted.
    feature_set : FeatureSet
        How features are computed, in the order in which the model takes them.
    unit : Unit
        What one prediction is about.
    contract : tuple of Field
        What the columns of a request must keep.
    encoder : Encoder
        How features become numbers.
    parameters : dict
        What was learnt.
    files : dict of str to str
        SHA-256 of each further file.
    classes : tuple
        Classes of a multiclass target, in the order of the answers. Since version 2.
    tolerance : Tolerance or None
        How far the scores of one row and of a table may lie apart; ``None``, the default, for not
        in one bit. Since format 2.
    """

    format_version: int
    rung: str
    kind: Kind
    target_kind: TargetKind
    feature_set: FeatureSet
    unit: Unit
    contract: tuple[Field, ...]
    encoder: Encoder
    parameters: dict[str, Any]
    files: dict[str, str]
    classes: tuple[Class, ...] = ()
    tolerance: Tolerance | None = None

    @property
    def hash(self) -> str:
        """Name of the bundle: SHA-256 of its manifest."""
        return content_hash(self)

    @property
    def asked(self) -> dict[str, Type | None]:
        """Columns that a request is asked for and that its record keeps, with their types.

        First what features and lookups need, then the unit's key, its list and its subject; the type is
        ``None`` where nothing says it.
        """
        types: dict[str, Type | None] = dict(self.feature_set.columns)
        fields = {field.name: field.type for field in self.contract}
        for name in (*self.unit.key, *self.unit.group, *filter(None, [self.unit.subject])):
            types.setdefault(name, fields.get(name))
        return types

    def to_files(self, files: Mapping[str, bytes]) -> dict[str, bytes]:
        """Write the manifest beside the files it names.

        Raises
        ------
        BundleError
            When a file is missing, not named, or not the one that was named.
        """
        written = {**files, MANIFEST: canonical_json(self)}
        if len(written[MANIFEST]) > MANIFEST_BYTES_MAX:
            raise BundleError(
                f"The manifest has {len(written[MANIFEST]):,} bytes; "
                f"at most {MANIFEST_BYTES_MAX:,} are read.",
                code="ISB412",
                mend="keep fewer categories: ib.learnt.target_mean(x, most=5_000)",
            )
        _check_files(self, written)
        return written


def make(
    fitted: Fitted, *, rung: str, feature_set: FeatureSet, unit: Unit, contract: tuple[Field, ...]
) -> Bundle:
    """Make the manifest of a fitted model.

    Parameters
    ----------
    fitted : Fitted
        What training handed over; its ``files`` go with the bundle.
    rung : str
        Name of the rung.
    feature_set : FeatureSet
        What the model was trained on.
    unit : Unit
        What one prediction is about.
    contract : tuple of Field
        What a request must keep.
    """
    bundle = Bundle(
        format_version=BUNDLE_VERSION,
        rung=rung,
        kind=fitted.kind,
        target_kind=fitted.target_kind,
        feature_set=feature_set,
        unit=unit,
        contract=contract,
        encoder=fitted.encoder,
        parameters=fitted.parameters,
        files={name: sha256(content) for name, content in fitted.files.items()},
        classes=fitted.classes,
        tolerance=fitted.tolerance,
    )
    _check_meaning(bundle)
    return bundle


def from_files(files: Mapping[str, bytes], *, expected_hash: str | None = None) -> Bundle:
    """Read a bundle, trusting nothing.

    Parameters
    ----------
    files : mapping of str to bytes
        All files of the bundle by name, ``bundle.json`` among them.
    expected_hash : str, optional
        The hash by which it was asked for.

    Returns
    -------
    Bundle
        Whose every file is the one that was written with it.

    Raises
    ------
    BundleError
        When it is of a newer format, too large, damaged, or not what its hash says.
    """
    manifest = files.get(MANIFEST)
    if manifest is None or len(manifest) > MANIFEST_BYTES_MAX:
        raise _damaged(f"'{MANIFEST}' is missing or above {MANIFEST_BYTES_MAX} bytes")
    if expected_hash is not None and sha256(manifest) != expected_hash:
        raise _damaged(f"its manifest is {sha256(manifest)}, asked for was {expected_hash}")
    _check_depth(manifest)
    _check_versions(manifest)
    try:
        bundle = msgspec.json.decode(manifest, type=Bundle)
        same = canonical_json(bundle) == manifest
    except (msgspec.DecodeError, IsbjergError, RecursionError, UnicodeError) as fault:
        raise _damaged(f"its manifest cannot be read ({fault})") from fault
    if not same:
        raise _damaged("its manifest holds more than, or writes differently, what it means")
    _check_files(bundle, files)
    _check_meaning(bundle)
    return bundle


class _Versions(msgspec.Struct):
    class Set(msgspec.Struct):
        format_version: int
        semantics_version: int

    format_version: int
    feature_set: Set


def _check_versions(manifest: bytes) -> None:
    """Refuse what is newer before looking at fields that it may have changed."""
    try:
        found = msgspec.json.decode(manifest, type=_Versions)
    except (msgspec.DecodeError, RecursionError, UnicodeError) as fault:
        raise _damaged(f"its manifest cannot be read ({fault})") from fault
    versions = {
        "bundle format": (found.format_version, BUNDLE_VERSION),
        "tree format": (found.feature_set.format_version, TREE_FORMAT_VERSION),
        "semantics": (found.feature_set.semantics_version, SEMANTICS_VERSION),
    }
    for name, (written, known) in versions.items():
        if not 1 <= written <= known:
            raise BundleError(
                f"The bundle is of {name} version {written}; this isbjerg reads up to {known}.",
                code="ISB411",
                mend="pip install --upgrade isbjerg",
                written=written,
                known=known,
            )


def _check_depth(manifest: bytes) -> None:
    """Bound the nesting before any recursive reader sees it; brackets in texts count too."""
    depth = deepest = 0
    for bracket in manifest.translate(None, delete=_NO_BRACKETS):
        depth += 1 if bracket in b"[{" else -1
        deepest = max(deepest, depth)
    if deepest > DEPTH_MAX:
        raise _damaged(f"its manifest nests {deepest} deep, at most {DEPTH_MAX} are read")


def _check_files(bundle: Bundle, files: Mapping[str, bytes]) -> None:
    named = {*bundle.files, MANIFEST}
    if set(files) != named or len(named) > FILES_MAX:
        raise _damaged(f"it holds the files {sorted(files)}, its manifest names {sorted(named)}")
    for name, wanted in bundle.files.items():
        if not _FILE_NAME.fullmatch(name):
            raise _damaged(f"{name!r} is no file name of a bundle")
        if len(files[name]) > FILE_BYTES_MAX or sha256(files[name]) != wanted:
            raise _damaged(f"'{name}' is not the file that was written with it")


def _check_meaning(bundle: Bundle) -> None:
    """Type every tree again: a manifest may say anything, its trees must still fit."""
    made = bundle.feature_set
    _check_classes(bundle)
    if bundle.format_version == 1 and bundle.unit.at is None:
        raise _damaged("it is of format 1 and says no time of the decision")
    try:
        _check_trees(made)
    except (IsbjergError, KeyError, TypeError, ValueError) as fault:
        raise _damaged(f"its feature set does not hold together ({fault})") from fault
    if bundle.encoder.encodings:
        encoded = tuple((e.name, e.type) for e in bundle.encoder.encodings)
        if encoded != tuple(zip(made.outputs, made.output_types, strict=True)):
            raise _damaged("its encoder and its feature set name different features")


def _check_classes(bundle: Bundle) -> None:
    """Hold the classes to the target: of its type, in order, each once, two or more."""
    if bool(bundle.unit.group) != (bundle.target_kind == "ranking"):
        raise _damaged(f"its target is {bundle.target_kind}, its lists are {bundle.unit.group}")
    if not 0.0 <= bundle.unit.holdout < 1.0:
        raise _damaged(f"it holds out a share of {bundle.unit.holdout}")
    if bundle.target_kind != "multiclass":
        if bundle.classes:
            raise _damaged(f"it names classes of a {bundle.target_kind} target")
        return
    type_ = bundle.unit.target.type
    of_the_target = type_ is not None and all(is_carrier(name, type_) for name in bundle.classes)
    ordered = of_the_target and list(bundle.classes) == sorted(set(bundle.classes))
    if not (ordered and 1 < len(bundle.classes) <= CLASSES_MAX):
        raise _damaged("its classes are not those of its target, in their order, each once")


def _check_trees(made: FeatureSet) -> None:
    columns, slots = dict(made.columns), {s.name: s.type for s in made.slots}
    features: dict[str, Type] = {}
    for slot in made.slots:
        if pins([slot.value]):
            raise ValueError(f"the looked-up value {slot.name!r} calls Python")
    for step in made.steps:
        typed = infer(check(step.node), columns=columns, features=features, slots=slots)
        if typed != step.node or typed.type is None or step.name in features:
            raise ValueError(f"feature {step.name!r} is not typed as it says, or twice there")
        features[step.name] = typed.type
    missing = [name for name in made.outputs if name not in features]
    if missing:
        raise ValueError(f"outputs {missing} are computed by no step")


def _damaged(why: str) -> BundleError:
    return BundleError(
        f"The bundle cannot be read: {why}.",
        code="ISB412",
        mend="fetch it again from where it was made, or promote another model version",
    )
