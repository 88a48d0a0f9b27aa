"""Plain Python inside a tree: a ``python`` node holds a pin, never code.

A `Pin` says which function of the project is meant and what its source was; the function itself
is *deployed* into the process by whoever holds the project's files
(:mod:`isbjerg.features.deployment`). Compiling a tree looks the pin up among what is deployed and
refuses what is not there, so a bundle from a stranger can name code but not bring it.

What is deployed is kept for the process, by pin. That is no registration of definitions: a pin
is the name of a source text, and the same text is the same function wherever it came from.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from isbjerg.errors import BundleError, IsbjergError
from isbjerg.expressions.pins import Pin, read_pin
from isbjerg.expressions.tree import Node, Type
from isbjerg.expressions.values import Carrier, from_carrier, to_carrier
from isbjerg.findings import Finding


class CodeFaults:
    """How often which function failed, and with which exception; never with which values.

    Attributes
    ----------
    counts : Counter of (str, str)
        By function and exception.
    last : BaseException or None
        The last one itself, for who called a feature by hand.
    """

    def __init__(self) -> None:
        self.counts: Counter[tuple[str, str]] = Counter()
        self.last: BaseException | None = None

    def add(self, name: str, fault: BaseException) -> None:
        """Count one."""
        other = isinstance(fault, IsbjergError)
        self.counts[name, "a value of another type" if other else type(fault).__name__] += 1
        self.last = fault

    def taken(self) -> list[Finding]:
        """Tell what was counted, one finding for each function and exception, and forget it."""
        if self.last is None:
            return []
        counts, self.counts, self.last = self.counts, Counter(), None
        return [_told(name, kind, rows) for (name, kind), rows in sorted(counts.items())]


def _told(name: str, kind: str, rows: int) -> Finding:
    gave = "gave" if kind.startswith("a ") else "raised"
    return Finding(
        code="feature.failed",
        subject=name,
        severity="warning",
        message=f"It {gave} {kind} on {rows:,} row(s); there its value is missing.",
        mend=f"handle such values in {name}, or in a feature before it",
        evidence={"rows": rows, "exception": kind},
    )


_DEPLOYED: dict[Pin, Callable[..., Any]] = {}
_FAULTS: ContextVar[CodeFaults | None] = ContextVar("faults", default=None)


def deploy(pin: Pin, function: Callable[..., Any]) -> None:
    """Let this process call a function whose source is that of `pin`; the caller has checked it."""
    _DEPLOYED[pin] = function


def is_deployed(pin: Pin) -> bool:
    """Tell whether this process has a function."""
    return pin in _DEPLOYED


@contextmanager
def collecting_code_faults() -> Iterator[CodeFaults]:
    """Count the exceptions of the functions in trees that are compiled in here, whenever they run."""
    faults = CodeFaults()
    token = _FAULTS.set(faults)
    try:
        yield faults
    finally:
        _FAULTS.reset(token)


def bound(node: Node) -> Callable[..., Carrier]:
    """Take a ``python`` node's function, from carriers that are not null to a carrier.

    Whatever the function raises, and whatever it returns that is not of its type, is null and is
    counted: a row must not stop a server or a table.

    Raises
    ------
    BundleError
        When the function is not deployed in this process.
    """
    pin = read_pin(node.value)
    if pin is None or pin not in _DEPLOYED:
        raise not_deployed(pin, "it is not deployed in this process")
    function, returns = _DEPLOYED[pin], pin.returns
    types = [argument.type or Type.TEXT for argument in node.args]
    faults = _FAULTS.get()

    def call(*carriers: Carrier) -> Carrier:
        try:
            given = map(from_carrier, carriers, types)
            result: Carrier = to_carrier(function(*given), returns)
        except (Exception, SystemExit) as fault:  # noqa: BLE001 - the user's code: whatever it raises
            if faults is not None:
                faults.add(pin.name, fault)
            return None
        return result

    return call


def not_deployed(pin: Pin | None, why: str) -> BundleError:
    """Say that the code of a pin is not here."""
    what = "a Python function" if pin is None else f"the Python function {pin}"
    file = "features.py" if pin is None else f"{pin.module}.py"
    return BundleError(
        f"The model calls {what}, but {why}.",
        code="ISB419",
        mend=f"put {file} there as the model's run had it (isbjerg trace names the commit), "
        "or promote a model that was trained with the code that is there",
        module=pin.module if pin else None,
        name=pin.name if pin else None,
    )
