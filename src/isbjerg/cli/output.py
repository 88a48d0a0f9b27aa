"""Tables, pairs, findings, verdicts and JSON on stdout; sentences on stderr.

What a program may read goes to stdout, what only a person needs to stderr. Every piece is a
rich renderable, so that verbs can be read as lists of pieces: ``show(table(...), verdict(...))``.
Only this module and `progress` know rich.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from typing import IO, Any, Literal, NamedTuple

import msgspec
from msgspec.structs import replace
from rich import box
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from isbjerg.cli.figures import NOTHING
from isbjerg.findings import Finding, Outcome

WIDTH_PIPED = 120
"""Columns of a table in a pipe: wide enough that rows stay on one line for `grep`."""

OUTCOMES: dict[Outcome, tuple[str, str]] = {
    "passed": ("✓ passed", "green"),
    "failed": ("✗ failed", "red"),
    "not_applicable": ("○ not applicable", "dim"),
    "not_run": ("? not run", "yellow"),
}
"""How each outcome of a check is shown; *not run* never looks like *passed*."""


class Column(NamedTuple):
    """A column of a table: its heading, where its text stands, how it looks."""

    heading: str
    align: Literal["left", "right"] = "left"
    style: str = ""
    wrap: bool = True


def console(stream: IO[str] | None = None, width: int | None = None) -> Console:
    """Open a console on a stream, stdout when none is given.

    Without a terminal it is 120 columns wide, or as ``COLUMNS`` says, and writes no colours.
    """
    target = stream or sys.stdout
    if width is None and not target.isatty():
        width = int(os.environ.get("COLUMNS") or WIDTH_PIPED)
    return Console(file=target, width=width, highlight=False, soft_wrap=False, emoji=False)


def show(*pieces: RenderableType) -> None:
    """Print pieces to stdout, with a line between them; into a pipe without spaces at line ends."""
    out = console()
    if out.is_terminal:
        _print(out, pieces)
        return
    with out.capture() as captured:
        _print(out, pieces)
    print(_trimmed(captured.get()))


def say(text: str, *, quiet: bool = False) -> None:
    """Print a sentence for a person to stderr, unless `quiet`."""
    if not quiet:
        console(sys.stderr).print(Text(text))


def show_json(value: Any) -> None:
    """Print a value, structures included, as indented JSON to stdout."""
    encoded = msgspec.json.encode(value, enc_hook=str)
    print(msgspec.json.format(encoded, indent=2).decode())


def render(*pieces: RenderableType, width: int = 80) -> str:
    """Write pieces as plain text, without spaces at line ends.

    Examples
    --------
    >>> print(render(key_values("live", [("model", "3"), ("share", "5%")])))
    live
      model  3
      share  5%
    """
    out = Console(
        width=width, color_system=None, highlight=False, emoji=False, legacy_windows=False
    )
    with out.capture() as captured:
        _print(out, pieces)
    return _trimmed(captured.get())


def table(title: str, columns: Sequence[Column | str], rows: Iterable[Sequence[Any]]) -> Group:
    """Lay rows out under headings; an empty table says so instead.

    Parameters
    ----------
    title : str
        What the rows are.
    columns : sequence of Column or str
        A plain string is a left-aligned heading.
    rows : iterable of sequences
        Cells: text, rich text, or anything with a `str`; ``None`` is an en dash.

    Examples
    --------
    >>> print(render(table("rungs", ["name", Column("brier", "right")], [("rule", "0.14")])))
    rungs
      name   brier
     ──────────────
      rule    0.14
    """
    grid = Table(box=box.SIMPLE_HEAD, pad_edge=True, show_edge=False, header_style="bold")
    for column in columns:
        shape = Column(column) if isinstance(column, str) else column
        grid.add_column(
            shape.heading,
            justify=shape.align,
            style=shape.style,
            no_wrap=not shape.wrap or shape.align == "right",
            overflow="fold",
        )
    for row in rows:
        grid.add_row(*(_cell(value) for value in row))
    body: RenderableType = (
        Padding(grid, (0, 0, 0, 1), expand=False)
        if grid.row_count
        else Text("  none yet", style="dim")
    )
    return Group(Text(title, style="bold"), body)


def key_values(title: str, pairs: Iterable[tuple[str, Any]]) -> Group:
    """Lay pairs out as names and values, one a line."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="cyan", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in pairs:
        grid.add_row(name, _cell(value))
    body = Padding(grid, (0, 0, 0, 2), expand=False)
    return Group(Text(title, style="bold"), body) if title else Group(body)


def outcome(value: Outcome) -> Text:
    """Show what became of a check as a sign and a word."""
    words, style = OUTCOMES[value]
    return Text(words, style=style)


def findings(title: str, found: Sequence[Finding]) -> Group:
    """List findings, failures first, each with its sentence and its mend.

    What passed is only counted unless nothing else is there: a reader looks for what to do.
    """
    order = {"failed": 0, "not_run": 1, "not_applicable": 2, "passed": 3}
    worth = [f for f in found if f.outcome in {"failed", "not_run"}]
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for finding in sorted(worth, key=lambda f: (order[f.outcome], not f.blocks)):
        grid.add_row(_sign(finding), _told(finding))
    parts: list[RenderableType] = [Text(title, style="bold")]
    if worth:
        parts.append(Padding(grid, (0, 0, 0, 2), expand=False))
    parts.append(Text(f"  {_counted(found)}", style="dim"))
    return Group(*parts)


def _sign(finding: Finding) -> Text:
    """Show a failure that stops nothing as a warning; its outcome is still counted as failed."""
    if finding.failed and finding.severity in {"info", "warning"}:
        return Text("! warning", style="yellow")
    return outcome(finding.outcome)


def to_review(found: Sequence[Finding]) -> Group:
    """List what was guessed and noted while something was drafted, for a person to read once."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    ordered = sorted(found, key=lambda f: f.severity == "info")
    for finding, following in zip(ordered, [*ordered[1:], None], strict=True):
        note = finding.severity == "info"
        if following is not None and (following.code, following.mend) == (
            finding.code,
            finding.mend,
        ):
            finding = replace(finding, mend="")  # noqa: PLW2901 - said once, under the last of them
        grid.add_row(
            Text("· note" if note else "? guess", style="dim" if note else "yellow"),
            _told(finding),
        )
    return Group(Text("To review", style="bold"), Padding(grid, (0, 0, 0, 2), expand=False))


def verdict(heading: str, sentences: Sequence[str], *, passed: bool | None) -> Panel:
    """Frame the answer to the question that was asked; ``None`` is neither yes nor no."""
    sign, style = {True: ("✓", "green"), False: ("✗", "red"), None: ("○", "yellow")}[passed]
    text = Text(f"{sign} {heading}", style=f"bold {style}")
    if sentences:
        text.append("\n")
        text.append("\n".join(sentences), style="not bold default")
    return Panel(text, box=box.ROUNDED, border_style=style, padding=(0, 1), expand=False)


def next_step(text: str) -> Text:
    """Show the command that is worth typing next."""
    return Text.assemble(("Next: ", "bold"), text)


def _trimmed(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.splitlines()).strip("\n")


def _print(out: Console, pieces: Sequence[RenderableType]) -> None:
    for number, piece in enumerate(pieces):
        if number:
            out.print()
        out.print(piece)


def _told(finding: Finding) -> Text:
    heading = f"{finding.subject}: " if finding.subject else ""
    text = Text.assemble((heading, "bold"), finding.message or finding.code)
    text.append(f"  [{finding.code}]", style="dim")
    if finding.blocks:
        text.append("  blocks", style="bold red")
    if finding.mend:
        text.append(f"\nMend: {finding.mend}", style="cyan")
    return text


def _counted(found: Sequence[Finding]) -> str:
    if not found:
        return "nothing was checked"
    words = {"passed": "passed", "failed": "failed", "not_run": "not run"}
    words["not_applicable"] = "not applicable"
    counts = {name: sum(f.outcome == name for f in found) for name in words}
    return ", ".join(f"{counts[name]} {word}" for name, word in words.items() if counts[name])


def _cell(value: Any) -> RenderableType:
    """Show text as it is: brackets in data are not markup."""
    if value is None:
        return Text(NOTHING, style="dim")
    return value if isinstance(value, Text) else Text(str(value))
