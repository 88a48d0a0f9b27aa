"""From definitions to a feature set: order, types, slots, knowledge.

Definitions are made before any data is seen. Here they meet the types of the columns; all
that does not fit is told at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from isbjerg.canonical import content_hash
from isbjerg.errors import DefinitionError, IsbjergError, TypingError
from isbjerg.expressions.inference import infer
from isbjerg.expressions.tree import Node, Type, names
from isbjerg.features.definitions import Feature
from isbjerg.features.knowledge import Decision, doubtful_columns, known_rules
from isbjerg.features.lookups import Asked
from isbjerg.features.sets import FeatureSet, Slot, Step

ColumnTypes = Mapping[str, Mapping[str, Type]]
"""Type of each column of each source."""

_SUMMABLE = (Type.BOOLEAN, Type.INTEGER, Type.FLOAT)


def ordered(outputs: Sequence[Feature]) -> list[Feature]:
    """List features and what they are built on, each after what it needs.

    Raises
    ------
    DefinitionError
        When two different features have one name.
    """
    found: dict[str, Feature] = {}

    def visit(feature: Feature) -> None:
        for inner in feature.features:
            visit(inner)
        known = found.setdefault(feature.name, feature)
        if known is not feature and known != feature:
            raise DefinitionError(
                f"Two features are called '{feature.name}'.\n"
                f"One: {known.place}\nOther: {feature.place}",
                mend=f"rename one of the functions '{feature.name}'",
                code="ISB212",
            )

    for output in outputs:
        visit(output)
    return list(found.values())


def resolve(outputs: Sequence[Feature], decision: Decision, types: ColumnTypes) -> FeatureSet:
    """Type and close a set of features over the columns that there are.

    Parameters
    ----------
    outputs : sequence of Feature
        What the candidate takes, in its order.
    decision : Decision
        The unit's source and the time of its decision.
    types : mapping
        Type of each column of each source.

    Returns
    -------
    FeatureSet
        Ready to be stored, hashed and computed.

    Raises
    ------
    DefinitionError
        When features do not fit the data; every fault is told, with its feature and place.
    KnowledgeError
        When a column is known too late by its own rule.
    """
    unit_types = types.get(decision.source.name, {})
    features: dict[str, Type] = {}
    slots: dict[str, Slot] = {}
    steps: list[Step] = []
    faults: list[tuple[Feature, IsbjergError]] = []
    for feature in ordered(outputs):
        if any(f.name not in features for f in feature.features):
            continue  # what it is built on has its own fault
        try:
            own = {a.name: _slot(a, decision, types) for a in feature.asked}
            node = infer(
                _with_slot_names(feature.node, own),
                columns=unit_types,
                features=features,
                slots={s.name: s.type for s in own.values()},
            )
        except (TypingError, DefinitionError) as fault:
            faults.append((feature, fault))
            continue
        slots |= {s.name: s for s in own.values()}
        features[feature.name] = _typed(node)
        steps.append(Step(feature.name, node))
    if faults:
        raise _faulty(faults)
    columns = _columns(steps, slots)
    doubtful_columns(columns, decision)
    return FeatureSet(
        columns=tuple((c, unit_types[c]) for c in columns),
        slots=tuple(slots.values()),
        steps=tuple(steps),
        outputs=tuple(f.name for f in outputs),
    )


def _columns(steps: Sequence[Step], slots: Mapping[str, Slot]) -> list[str]:
    named = [c for step in steps for c in names(step.node, "column")]
    matched = [column for slot in slots.values() for _, column in slot.on]
    return list(dict.fromkeys([*named, *matched]))


def _typed(node: Node) -> Type:
    if node.type is None:
        raise TypingError("The tree has no type.")
    return node.type


def _with_slot_names(node: Node, slots: Mapping[str, Slot]) -> Node:
    if node.op == "slot":
        return Node("slot", value=slots[node.value].name)
    return Node(
        node.op, tuple(_with_slot_names(a, slots) for a in node.args), node.value, node.type
    )


def _slot(asked: Asked, decision: Decision, types: ColumnTypes) -> Slot:
    lookup = asked.lookup
    if decision.at is None:
        raise DefinitionError(
            f"{asked.name} looks up what was known before the decision, but decisions have no time.",
            mend='name a column of times in frame.toml: [unit] at = "COLUMN"; or join what is '
            "needed to the row in sources.py",
            code="ISB219",
        )
    source_types = types.get(lookup.source.name, {})
    unit_types = types.get(decision.source.name, {})
    for column, unit_column in lookup.on:
        _check_pair(asked, column, source_types.get(column), unit_column, unit_types)
    value = infer(asked.value, columns=source_types)
    used = dict.fromkeys([*names(value, "column"), *(c for c, _ in lookup.on)])
    slot = Slot(
        name="",
        kind=lookup.kind,
        source=lookup.source.name,
        on=lookup.on,
        key=lookup.source.key,
        known=known_rules(lookup.source, used, decision),
        value=value,
        type=_slot_type(asked, _typed(value)),
        refresh_us=lookup.refresh_us,
        aggregate=asked.aggregate,
        span_us=lookup.span_us,
        max_age_us=lookup.max_age_us,
    )
    # The name is readable, and changes with anything that changes the value: state kept
    # under a name can never be read for another meaning.
    return Slot(
        **{f: getattr(slot, f) for f in slot.__struct_fields__ if f != "name"},
        name=f"{asked.name} #{content_hash(slot)[:8]}",
    )


def _check_pair(
    asked: Asked,
    column: str,
    type_: Type | None,
    unit_column: str,
    unit_types: Mapping[str, Type],
) -> None:
    source = asked.lookup.source.name
    if type_ is None or unit_column not in unit_types:
        side, missing = (source, column) if type_ is None else ("the unit", unit_column)
        raise DefinitionError(
            f"{asked.name} is matched on '{column}' = '{unit_column}', "
            f"but '{missing}' is not a column of {side}.",
            mend=f'on={{"<column of {source}>": "<column of the unit>"}}',
            code="ISB213",
        )
    if type_ is not unit_types[unit_column]:
        raise DefinitionError(
            f"{asked.name} matches '{column}' ({type_}) with '{unit_column}' "
            f"({unit_types[unit_column]}): they can never be equal.",
            mend="give both the same type in sources.py",
            code="ISB213",
        )


def _slot_type(asked: Asked, value: Type) -> Type:
    if asked.aggregate is None:
        return value
    if asked.aggregate == "count":
        return Type.INTEGER
    if value not in _SUMMABLE:
        raise TypingError(
            f"{asked.name} aggregates values of type {value}; "
            f"{asked.aggregate} takes booleans and numbers.",
            mend="choose a number of it first, such as .total_minutes() in a feature of the row",
        )
    return Type.FLOAT


def _faulty(faults: Sequence[tuple[Feature, IsbjergError]]) -> DefinitionError:
    lines = []
    for feature, fault in faults:
        first, *rest = fault.message.split("\n")
        lines.append(f"  {feature.place} {feature.name}: {first}")
        lines += [f"      {line}" for line in rest]
        if fault.mend:
            lines.append(f"      Mend: {fault.mend}")
    only = faults[0][1]
    return DefinitionError(
        f"{len(faults)} feature(s) do not fit the data.\n" + "\n".join(lines),
        mend=only.mend if len(faults) == 1 else "mend each of the lines above",
        code=only.kind_code if len(faults) == 1 and only.kind_code != "ISB120" else "ISB210",
        features=[f.name for f, _ in faults],
    )
