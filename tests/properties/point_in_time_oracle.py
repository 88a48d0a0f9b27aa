"""What a slot's value is, written from the docstring of ``isbjerg.features.sets`` alone.

Plain loops over dicts, one unit at a time, exact fractions for sums: slow and hard to get
wrong. Nothing is shared with the code under test but the structure of a slot.
"""

from __future__ import annotations

from fractions import Fraction


def value_at(slot, facts, unit, t):
    """Look a slot up for one unit decided at `t`, over facts as dicts of carriers."""
    g = t if slot.refresh_us == 0 else (t // slot.refresh_us) * slot.refresh_us
    known = [f for f in facts if visible(slot, f) is not None and visible(slot, f) < g]
    current = [f for f in known if not any(supersedes(slot, other, f) for other in known)]
    matching = [f for f in current if matches(slot, f, unit)]
    if slot.kind == "newest":
        return newest(slot, matching, g)
    return aggregate(slot, [f for f in matching if g - slot.span_us <= position(slot, f)])


def position(slot, fact):
    times = [None if fact[k.column] is None else fact[k.column] + k.offset_us for k in slot.known]
    return None if None in times else max(times)


def visible(slot, fact):
    at = position(slot, fact)
    if at is None or fact["_live_at"] is None:
        return at
    return max(at, fact["_live_at"])


def key_of(slot, fact):
    return tuple(fact[column] for column in slot.key)


def ordered(values):
    """Order tuples with nulls first."""
    return tuple((v is not None, v if v is not None else 0) for v in values)


def supersedes(slot, other, fact):
    return key_of(slot, other) == key_of(slot, fact) and (
        (visible(slot, other), other["_row"]) > (visible(slot, fact), fact["_row"])
    )


def matches(slot, fact, unit):
    pairs = [(fact[theirs], unit[ours]) for theirs, ours in slot.on]
    return all(a is not None and b is not None and a == b for a, b in pairs)


def newest(slot, facts, g):
    if not facts:
        return None
    best = max(
        facts,
        key=lambda f: (
            position(slot, f),
            ordered(key_of(slot, f)),
            visible(slot, f),
            f["_row"],
        ),
    )
    if slot.max_age_us is not None and g - position(slot, best) > slot.max_age_us:
        return None
    return best[slot.value.value]


def aggregate(slot, facts):
    values = [f[slot.value.value] for f in facts]
    present = [v for v in values if v is not None]
    if slot.aggregate == "count":
        return len(present)
    counted = [v for v in present if abs(v) < 2**62]
    if slot.aggregate == "mean" and not counted:
        return None
    total = sum((Fraction(round(Fraction(v) * 2**40), 2**40) for v in counted), Fraction(0))
    if slot.aggregate == "mean":
        return float(total) / float(len(counted))
    if slot.type == "float":
        return float(total)
    return int(total) if -(2**63) <= total < 2**63 else None
