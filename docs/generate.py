"""Write the reference pages from the code, or check that they still say what the code does.

Run ``python docs/generate.py`` to write, ``python docs/generate.py --check`` to compare; the
second exits with 1 and names each page that has fallen behind.
"""  # noqa: INP001 - a script, not a package

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from importlib import import_module
from pathlib import Path

from isbjerg.cli.exits import EXITS
from isbjerg.cli.parser import main_parser, verb_parser
from isbjerg.cli.verbs import GROUPS, Verb
from isbjerg.frame import schema
from isbjerg.frame.metrics import FAMILIES, METRICS

FOLDER = Path(__file__).parent / "reference"
WRITTEN_BY = "<!-- Written by docs/generate.py from the code. Edit the code, then run it again. -->"
HELP_COLUMNS = "82"


def main(arguments: Sequence[str]) -> int:
    """Write or check every page; return the exit code."""
    os.environ["COLUMNS"] = HELP_COLUMNS
    behind = []
    for name, lines in (("frame.md", frame_page()), ("cli.md", cli_page())):
        path, text = FOLDER / name, "\n".join(lines) + "\n"
        if "--check" not in arguments:
            path.write_text(text, encoding="utf-8")
        elif not path.is_file() or path.read_text(encoding="utf-8") != text:
            behind.append(name)
    if behind:
        print(f"{', '.join(behind)}: run python docs/generate.py", file=sys.stderr)  # noqa: T201
    return 1 if behind else 0


def frame_page() -> Iterator[str]:
    """Write what `frame.toml` may hold."""
    yield "# frame.toml"
    yield ""
    yield WRITTEN_BY
    yield ""
    yield "The frame says what the product is. Evaluation, gate and release take their orders from it and"
    yield "from nowhere else. Whatever is wrong with it is told at once, each fault with its line and with"
    yield "what to write instead."
    for table in schema.TABLES:
        yield from _frame_table(table, f"[{table.name}]" if table.name else "At the top")
    yield from _frame_table(schema.REFERENCE, "[references]")
    yield ""
    yield "## Metrics"
    yield ""
    yield from _grid(
        ("name", "target", "better", "range", "what it is"),
        (
            (f"`{m.name}`", ", ".join(m.kinds), m.direction, _range(m.low, m.high), m.summary)
            for m in (*METRICS.values(), *FAMILIES.values())
        ),
    )
    yield ""
    yield "## What may be compared"
    yield ""
    yield "Numbers of two runs are compared only when their *measure hash* is equal: the same unit and"
    yield "moment, the same target and its definition, the same primary metric, value and split. Changing"
    yield "anything else, the owner or a guardrail for example, severs no history."


def cli_page() -> Iterator[str]:
    """Write what can be typed."""
    yield "# The command line"
    yield ""
    yield WRITTEN_BY
    yield ""
    yield from _block(main_parser().format_help())
    yield ""
    yield "Results go to stdout. Progress, advice and errors go to stderr, and progress only when stderr is"
    yield "a terminal. In a pipe, tables are 120 columns wide, or as wide as `COLUMNS` says, and have no"
    yield "colours."
    for _, verbs in GROUPS:
        for verb in verbs:
            yield from _verb(verb)
    yield ""
    yield "## Exit codes"
    yield ""
    yield from _grid(("code", "meaning"), ((str(code), says) for code, says in EXITS.items()))


def _verb(verb: Verb) -> Iterator[str]:
    parser = verb_parser(verb, import_module(verb.module).add_arguments)
    yield ""
    yield f"## {verb.name}"
    yield ""
    yield from _block(parser.format_help())


def _frame_table(table: schema.Table, title: str) -> Iterator[str]:
    yield ""
    yield f"## {title}"
    yield ""
    yield f"{table.says} {'Required.' if table.required and table is not schema.REFERENCE else ''}".strip()
    yield ""
    yield from _grid(
        ("key", "example", "what it says"),
        (
            (
                f"`{key.name}`",
                f"`{key.example}`",
                f"{'**Required.** ' if key.required else ''}{key.says}",
            )
            for key in table.keys
        ),
    )


def _grid(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(headings)} |"
    yield f"|{'|'.join('---' for _ in headings)}|"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def _block(text: str) -> Iterator[str]:
    yield "```text"
    yield from (line.rstrip() for line in text.rstrip().splitlines())
    yield "```"


def _range(low: float | None, high: float | None) -> str:
    left = "any" if low is None else f"{low:g}"
    return f"{left} to {'any' if high is None else f'{high:g}'}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
