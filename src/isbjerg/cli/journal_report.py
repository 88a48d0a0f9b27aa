"""The journal as it is read: newest first, each run with what changed and what it did."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from isbjerg.cli.changes_report import changes_grid, effect_sentence, several
from isbjerg.cli.figures import instant, measure

if TYPE_CHECKING:
    from isbjerg.storage.catalog.records import Note
    from isbjerg.workflows.journal import Entry, Journal

LINES_MAX = 4
"""Lines of one kind of change; `isbjerg compare` shows all."""


def journal_pieces(journal: Journal) -> Iterator[RenderableType]:
    """Lay out what the newest changes came to, then the entries."""
    if not journal.entries:
        yield Text("The journal is empty: no run yet.", style="dim")
    if journal.plateau:
        yield Text(journal.plateau, style="yellow")
    for entry in journal.entries:
        yield _run(entry) if entry.run else _notes(entry.notes)


def _run(entry: Entry) -> Group:
    heading = Text.assemble((entry.run or "", "bold"), f"  {instant(entry.at_us)}")
    if entry.note:
        heading.append(f"  {entry.note}", style="italic")
    parts: list[RenderableType] = [Text(_came_to(entry))]
    if entry.before and entry.status == "finished":
        parts.append(Text(f"changed since {entry.before}:" if entry.changes else "", style="dim"))
        if entry.changes:
            parts.append(Padding(changes_grid(entry.changes, LINES_MAX), (0, 0, 0, 2)))
        else:
            parts[-1] = Text(f"nothing changed since {entry.before}", style="dim")
    if (warning := several(entry.kinds)) is not None:
        parts.append(warning)
    if entry.effect is not None:
        sentence = effect_sentence(entry.effect)
        parts.append(Text(sentence, style="green" if entry.effect.better else ""))
    elif entry.why:
        parts.append(Text(f"Not compared with {entry.before}: {entry.why}.", style="dim"))
    parts += [_said(note) for note in entry.notes]
    return Group(heading, *(Padding(part, (0, 0, 0, 2), expand=False) for part in parts))


def _came_to(entry: Entry) -> str:
    if entry.status != "finished":
        return entry.status
    return f"chose {entry.chosen}, {entry.metric.replace('_', ' ')} {measure(entry.value)}"


def _notes(notes: tuple[Note, ...]) -> Group:
    return Group(*(_said(note, when=True) for note in notes))


def _said(note: Note, *, when: bool = False) -> Text:
    at = f"{instant(note.at_us)}  " if when else ""
    return Text.assemble((at, "bold"), (f"{note.who}: ", "cyan"), note.text)
