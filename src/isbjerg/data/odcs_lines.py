"""A YAML document together with the line of each of its values."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import yaml

from isbjerg.errors import ProjectError


class Lines:
    r"""Read YAML and remember where everything stands.

    Parameters
    ----------
    text : str
        Content of the file.
    name : str
        How the file is called in messages.

    Examples
    --------
    >>> lines = Lines("a: 1\nb:\n  - x\n  - y\n", "file.yaml")
    >>> lines.document["b"], lines.at(("b", 1)), lines.at(("b", 7))
    (['x', 'y'], 4, 3)
    """

    def __init__(self, text: str, name: str) -> None:
        try:
            self.document, self._root = _read(text)
        except yaml.MarkedYAMLError as fault:
            line = fault.problem_mark.line + 1 if fault.problem_mark else 1
            raise ProjectError(
                f"The contract '{name}' is not YAML.\n{name}:{line}: {fault.problem}",
                code="ISB220",
                mend="edit the line named; values with ': ' in them want quotes",
                faults=[(line, str(fault.problem))],
            ) from fault

    def at(self, path: Sequence[str | int]) -> int:
        """Return the line, from 1, of the value at `path`, or of the nearest above it."""
        node, line = self._root, 1
        for step in path:
            if node is None or (node := _below(node, step)) is None:
                break
            line = node.start_mark.line + 1
        return line


def _read(text: str) -> tuple[Any, yaml.Node | None]:
    """Read a document and its nodes: by libyaml where it is there, which is ten times faster.

    What it refuses is read again in Python, so that a fault has the same words everywhere.
    """
    with suppress(AttributeError, yaml.YAMLError):
        return yaml.load(text, yaml.CSafeLoader), yaml.compose(text, yaml.CSafeLoader)
    return yaml.safe_load(text), yaml.compose(text, yaml.SafeLoader)


def _below(node: yaml.Node, step: str | int) -> yaml.Node | None:
    if isinstance(node, yaml.MappingNode):
        pairs: list[tuple[yaml.Node, yaml.Node]] = node.value
        return next((value for key, value in pairs if key.value == step), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        items: list[yaml.Node] = node.value
        return items[step]
    return None
