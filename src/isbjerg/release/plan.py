"""The serving plan: what is live, as one small file that servers follow.

A release commits a numbered plan; its number, the *epoch*, only grows. Servers read the
plan, load the bundles it names by hash, switch, and acknowledge the epoch, which every
prediction then carries. A plan is never edited.
"""

from __future__ import annotations

import re

import msgspec

from isbjerg.canonical import canonical_json
from isbjerg.errors import ReleaseError

PLAN_VERSION = 1
"""Layout of the plan; a larger one is refused."""

PLAN_BYTES_MAX = 2**20

_HASH = re.compile(r"[0-9a-f]{64}")


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """Who answers in a role.

    Parameters
    ----------
    role : str
        ``live``, and later others.
    model_version : int
        Number of the model version.
    bundle : str
        Hash of its bundle.
    rung : str
        Name of its rung.
    """

    role: str
    model_version: int
    bundle: str
    rung: str


class ServingPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What is live from an epoch on.

    Parameters
    ----------
    format_version : int
        `PLAN_VERSION` when it was written.
    epoch : int
        Its number, at least 1.
    at_us : int
        When it was decided, microseconds since the epoch of time.
    routes : tuple of Route
        One per role; none when nothing is live.
    """

    format_version: int = PLAN_VERSION
    epoch: int
    at_us: int
    routes: tuple[Route, ...] = ()

    def route(self, role: str = "live") -> Route | None:
        """Find who answers in a role.

        Examples
        --------
        >>> ServingPlan(epoch=1, at_us=0).route() is None
        True
        """
        return next((r for r in self.routes if r.role == role), None)

    def to_json(self) -> bytes:
        """Write the plan as canonical JSON."""
        return canonical_json(self)


class _Version(msgspec.Struct):
    format_version: int


def from_json(content: bytes) -> ServingPlan:
    """Read a plan.

    Raises
    ------
    ReleaseError
        When it is of a newer format, or damaged: the catalog can write it again.

    Examples
    --------
    >>> plan = ServingPlan(epoch=3, at_us=0)
    >>> from_json(plan.to_json()) == plan
    True
    """
    if len(content) > PLAN_BYTES_MAX:
        raise _damaged(f"it has {len(content)} bytes, at most {PLAN_BYTES_MAX} are read")
    try:
        written = msgspec.json.decode(content, type=_Version).format_version
        if not 1 <= written <= PLAN_VERSION:
            raise ReleaseError(
                f"The serving plan is of format {written}; this isbjerg reads up to {PLAN_VERSION}.",
                code="ISB511",
                mend="pip install --upgrade isbjerg, on the servers first",
                written=written,
                known=PLAN_VERSION,
            )
        plan = msgspec.json.decode(content, type=ServingPlan)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as fault:
        raise _damaged(str(fault)) from fault
    _check(plan)
    return plan


def _check(plan: ServingPlan) -> None:
    roles = [r.role for r in plan.routes]
    if plan.epoch < 1 or len(set(roles)) != len(roles):
        raise _damaged(f"epoch {plan.epoch}, roles {roles}")
    strange = [r.bundle for r in plan.routes if not _HASH.fullmatch(r.bundle)]
    if strange:
        raise _damaged(f"{strange[0]!r} is no hash of a bundle")


def _damaged(why: str) -> ReleaseError:
    return ReleaseError(
        f"The serving plan cannot be read: {why}.",
        code="ISB512",
        mend="isbjerg serve: it writes the plan again from the catalog",
    )
