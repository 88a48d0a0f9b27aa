"""``isbjerg status``: where the project stands."""

from __future__ import annotations

import argparse

from isbjerg.cli.exits import DONE
from isbjerg.cli.opening import open_project


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take nothing of its own."""


def run(args: argparse.Namespace) -> int:
    """Say where the project stands."""
    result = open_project(args).status()
    del result
    return DONE
