"""The two parsers, one for what stands before the verb and one for the verb itself."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from typing import NoReturn

from isbjerg.cli.exits import EXITS
from isbjerg.cli.verbs import GROUPS, Verb

WIDTH_MAX = 100
_NAMES_WIDTH = 26


def help_width() -> int:
    """Find the width for help: the terminal's, at most 100; 80 when there is none.

    argparse would ask `shutil`, which costs more than all the rest of the help.
    """
    try:
        columns = int(os.environ.get("COLUMNS", "0")) or os.get_terminal_size().columns
    except (ValueError, OSError):
        columns = 80
    return max(40, min(WIDTH_MAX, columns) - 2)


class HelpFormatter(argparse.RawDescriptionHelpFormatter):
    """Help that looks the same on every Python: ``-C, --project DIR``."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=_NAMES_WIDTH, width=help_width())

    def _format_action_invocation(self, action: argparse.Action) -> str:
        if not action.option_strings or action.nargs == 0:
            return super()._format_action_invocation(action)
        value = self._format_args(action, (action.metavar or action.dest).upper())  # type: ignore[union-attr]  # metavars are never tuples here
        return f"{', '.join(action.option_strings)} {value}"


class Parser(argparse.ArgumentParser):
    """A parser whose errors end in how to learn more."""

    def error(self, message: str) -> NoReturn:
        """Print the usage and the fault to stderr; exit with 2."""
        self.print_usage(sys.stderr)
        self.exit(2, f"\n{message[:1].upper()}{message[1:]}.\n\nMore: {self.prog} --help\n")


def add_common(parser: argparse.ArgumentParser) -> None:
    """Add the options that stand before or after any verb."""
    parser.add_argument(
        "-C",
        "--project",
        metavar="DIR",
        default=argparse.SUPPRESS,
        help="the project's folder (default: the current one)",
    )
    parser.add_argument(
        "--quiet", action="store_true", default=argparse.SUPPRESS, help="no progress, no advice"
    )
    parser.add_argument(
        "--traceback",
        action="store_true",
        default=argparse.SUPPRESS,
        help="show where an error was raised",
    )


def main_parser() -> Parser:
    """Build the parser of what stands before the verb, and of the main help."""
    parser = Parser(
        prog="isbjerg",
        usage="isbjerg [-C DIR] [--quiet] [--traceback] VERB ...",
        description=_main_description(),
        epilog=_main_epilog(),
        formatter_class=HelpFormatter,
        allow_abbrev=False,
        add_help=False,
    )
    options = parser.add_argument_group("options, before or after the verb")
    add_common(options)  # type: ignore[arg-type]  # a group adds arguments like a parser
    options.add_argument("--version", action="store_true", help="print the version")
    options.add_argument("-h", "--help", action="store_true", help="print this, or a verb's help")
    return parser


def verb_parser(verb: Verb, add_arguments: Callable[[argparse.ArgumentParser], None]) -> Parser:
    """Build the parser of one verb."""
    parser = Parser(
        prog=f"isbjerg {verb.name}",
        description=f"{verb.says[:1].upper()}{verb.says[1:]}.",
        epilog=f"example:\n  {verb.example}",
        formatter_class=HelpFormatter,
        allow_abbrev=False,
    )
    parser._positionals.title = "arguments"  # noqa: SLF001 - argparse has no public way
    add_arguments(parser)
    if verb.reads:
        parser.add_argument("--json", action="store_true", help="print JSON, for programs")
    add_common(parser)
    parser.usage = _usage(parser)
    return parser


def _usage(parser: argparse.ArgumentParser) -> str:
    """Name the options as such: they are listed right below, one a line."""
    names = []
    for action in parser._get_positional_actions():  # noqa: SLF001 - argparse has no public way
        many = "..." if action.nargs == "*" else ""
        word = f"{action.metavar}{many}"
        names.append(f"[{word}]" if action.nargs in {"?", "*"} else word)
    return " ".join([parser.prog, *names, "[options]"])


def _main_description() -> str:
    lines = ["The other nine tenths of a machine-learning project."]
    for group, verbs in GROUPS:
        lines += ["", f"{group}:", *(f"  {verb.name:<12}{verb.says}" for verb in verbs)]
    return "\n".join(lines)


def _main_epilog() -> str:
    codes = [f"  {code:<5}{says}" for code, says in EXITS.items()]
    return "\n".join(
        [
            "exit codes:",
            *codes,
            "",
            "more:",
            "  isbjerg VERB --help   about a verb",
            "  isbjerg explain CODE  about an error",
        ]
    )


def version(text: str) -> int:
    """Read ``v3`` or ``3``, as an argument's type."""
    number = text.lower().removeprefix("v")
    if not number.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no model version, such as v3")
    return int(number)
