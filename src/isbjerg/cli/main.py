"""From arguments to an exit code: the one place where errors become words and numbers."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Sequence
from importlib import import_module

from isbjerg.cli.exits import DONE, INTERRUPTED, MISUSE, WRONG, exit_of
from isbjerg.cli.parser import main_parser, verb_parser
from isbjerg.cli.verbs import VERBS

_WITH_VALUE = ("-C", "--project")


def main(argv: Sequence[str] | None = None) -> int:
    """Do what the arguments say.

    Parameters
    ----------
    argv : sequence of str, optional
        The arguments after the program's name; those of the process when not given.

    Returns
    -------
    int
        The exit code, one of :data:`isbjerg.cli.exits.EXITS`. No exception leaves, unless
        ``--traceback`` asks for it.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        code = _dispatch(arguments)
        sys.stdout.flush()  # here, so that a reader who has gone is met inside
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else WRONG
    except KeyboardInterrupt:
        print("\nInterrupted. What was finished is kept: give the command again.", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        _silence_stdout()
        return DONE
    except Exception as error:
        if "--traceback" in arguments:
            raise
        return _refuse(error)
    return code


def _dispatch(arguments: list[str]) -> int:
    before, name, after = _around_verb(arguments)
    parser = main_parser()
    options = parser.parse_args(
        before, Namespace(project=".", quiet=False, traceback=False, json=False)
    )
    if options.version:
        return _print_version()
    if name is None or options.help:
        parser.print_help()
        return DONE
    if name not in VERBS:
        return _refuse_verb(name)
    module = import_module(VERBS[name].module)
    del options.version, options.help
    chosen = verb_parser(VERBS[name], module.add_arguments).parse_args(after, options)
    return int(module.run(chosen))


def _around_verb(arguments: list[str]) -> tuple[list[str], str | None, list[str]]:
    """Part the arguments at the first that is neither an option nor an option's value."""
    at = 0
    while at < len(arguments) and arguments[at].startswith("-"):
        at += 2 if arguments[at] in _WITH_VALUE else 1
    name = arguments[at] if at < len(arguments) else None
    return arguments[:at], name, arguments[at + 1 :]


def _print_version() -> int:
    from importlib.metadata import version  # noqa: PLC0415 - dear, and needed only here

    print(f"isbjerg {version('isbjerg')}")
    return DONE


def _refuse_verb(name: str) -> int:
    from difflib import get_close_matches  # noqa: PLC0415 - needed only after a slip

    close = get_close_matches(name, VERBS, n=1)
    print(f"`{name}` is not a verb of isbjerg.\n", file=sys.stderr)
    print(f"Mend: isbjerg {close[0]}" if close else f"Verbs: {', '.join(VERBS)}", file=sys.stderr)
    print("More: isbjerg --help", file=sys.stderr)
    return MISUSE


def _refuse(error: Exception) -> int:
    from isbjerg.cli.refusal import told  # noqa: PLC0415 - needed only after a fault

    print(told(error), file=sys.stderr)
    return exit_of(error)


def _silence_stdout() -> None:
    """Point stdout at nothing, so that Python's own flush at exit does not complain."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main())
