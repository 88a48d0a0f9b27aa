"""Which columns of which source a run reads, and no others.

What the features, the target, the time of the decision and the split ask for is known before any
row is read, so nothing else is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches

from isbjerg.errors import DefinitionError
from isbjerg.expressions.tree import Node, Type, names
from isbjerg.features.knowledge import Decision, known_rule
from isbjerg.features.sets import FeatureSet, Slot
from isbjerg.frame.frame import Frame
from isbjerg.workflows.project_files import Definitions


def columns_read(
    definitions: Definitions, feature_set: FeatureSet, beside: FeatureSet, target: Node
) -> dict[str, list[str]]:
    """List the columns of each source that a run reads, and no others."""
    decision = definitions.decision
    read: dict[str, dict[str, None]] = {decision.source.name: {}}
    own = read[decision.source.name]
    own.update(dict.fromkeys(decision.source.key))
    own.update(dict.fromkeys([c for c, _ in feature_set.columns]))
    own.update(dict.fromkeys(names(target, "column")))
    if decision.at is not None:
        own.setdefault(decision.at.column)
        own.update(dict.fromkeys(_times_of_rules(decision, decision.at.column, list(own))))
    own.update(dict.fromkeys(columns_of_the_split(definitions.frame)))
    own.update(dict.fromkeys([c for c, _ in beside.columns]))
    for slot in (*feature_set.slots, *beside.slots):
        read.setdefault(slot.source, {}).update(dict.fromkeys(slot_columns(slot)))
    return {source: list(columns) for source, columns in read.items()}


def slot_columns(slot: Slot) -> list[str]:
    """List the columns of its source that a slot reads."""
    columns = [*slot.key, *(c for c, _ in slot.on), *names(slot.value, "column")]
    return [*columns, *(k.column for k in slot.known)]


def _times_of_rules(decision: Decision, at: str, columns: Sequence[str]) -> list[str]:
    read = set(columns) - {*decision.source.key, at}
    return [known_rule(decision.source, c, decision).column for c in columns if c in read]


def columns_of_the_split(frame: Frame) -> list[str]:
    """List what is read beside the features: the group; at random, the subject that may be one.

    Of a ranking also what tells its lists apart: no list is cut in two.
    """
    subject = frame.unit.subject if frame.split_how == "random" else None
    return [c for c in (frame.split.group, subject, *frame.target.group) if c is not None]


def check_columns_of_the_split(frame: Frame, columns: Mapping[str, Type]) -> None:
    """Refuse a split by a column that the unit's source does not have.

    Raises
    ------
    DefinitionError
        Naming the columns that there are.
    """
    for column in columns_of_the_split(frame):
        if column not in columns:
            place = "[split] group" if column == frame.split.group else "[unit] subject"
            close = get_close_matches(column, columns, n=1)
            raise DefinitionError(
                f"{place} of frame.toml is '{column}', which '{frame.unit.source}' does not have.\n"
                f"Found: {', '.join(columns)}",
                mend=f'{place.split()[1]} = "{(close or list(columns))[0]}"',
                code="ISB214",
                column=column,
            )
