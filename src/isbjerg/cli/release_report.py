"""A promotion or a rollback as it is read, planned or done."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.console import RenderableType
from rich.text import Text

from isbjerg.cli.figures import count
from isbjerg.cli.output import key_values, next_step, show, show_json, verdict

if TYPE_CHECKING:
    from isbjerg.workflows.promote import Released, ReleasePlan


def show_plan(plan: ReleasePlan, *, as_json: bool) -> None:
    """Print what would happen, for people or for programs."""
    if as_json:
        show_json(plan)
    else:
        show(*plan_pieces(plan))


def show_released(done: Released, *, as_json: bool) -> None:
    """Print what was done, for people or for programs."""
    if as_json:
        show_json(done)
    else:
        show(*released_pieces(done))


def plan_pieces(plan: ReleasePlan) -> Iterator[RenderableType]:
    """Lay out what would happen."""
    pairs = [
        ("would go live", f"v{plan.version} ({plan.rung}, run {plan.run})"),
        ("live now", _version(plan.before)),
        ("verdict", plan.verdict),
    ]
    if not plan.changes:
        pairs.append(("changes", "nothing: it is live already"))
    steps = [(f"{number}.", step) for number, step in enumerate(plan.steps, 1)]
    yield key_values(f"{plan.act.capitalize()}, planned: nothing was done", pairs)
    yield key_values("Steps", steps)
    yield next_step(_command(plan))


def released_pieces(done: Released) -> Iterator[RenderableType]:
    """Lay out what was done, and which servers have not followed."""
    heading = f"v{done.version} ({done.rung}) is live"
    if not done.changed:
        heading += " as before"
    sentences = [f"Before: {_version(done.before)}. Serving plan {done.epoch}."]
    if done.facts_fed:
        sentences.append(f"{count(done.facts_fed)} facts were laid ready for its windows.")
    followed = done.workers - len(done.silent)
    if done.workers:
        sentences.append(f"{followed} of {done.workers} server processes follow.")
    yield verdict(heading, sentences, passed=None if done.silent else True)
    for worker in done.silent:
        yield Text(f"Not following: {worker}", style="yellow")
    if not done.workers:
        yield next_step("isbjerg serve")


def _version(number: int | None) -> str:
    return "nothing" if number is None else f"v{number}"


def _command(plan: ReleasePlan) -> str:
    return f"isbjerg promote v{plan.version}" if plan.act == "promote" else f"isbjerg {plan.act}"
