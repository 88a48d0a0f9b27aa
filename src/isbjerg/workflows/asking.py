"""A request that the live model can answer, made from the newest row of its source.

Who starts a server for the first time has to know an address, a header and the columns. A
request that works, with real values, says all three.
"""

from __future__ import annotations

import shlex
from datetime import datetime, timedelta
from typing import Any

import msgspec

from isbjerg.models.bundle import Bundle
from isbjerg.storage.tables import read_facts
from isbjerg.workflows.bundles import load_bundle
from isbjerg.workflows.workspace import Workspace


def example_request(workspace: Workspace, host: str, port: int) -> str | None:
    """Write a command that asks the live model about the newest row of its source.

    Parameters
    ----------
    workspace : Workspace
        The project's.
    host : str
        Where the server listens.
    port : int
        On which port.

    Returns
    -------
    str or None
        A line for a shell; ``None`` when nothing is live or the source has no row.
    """
    live = workspace.catalog.live()
    if live is None:
        return None
    model = workspace.catalog.model_version(live.version)
    bundle, _ = load_bundle(workspace, model.bundle)
    row = _newest_row(workspace, bundle)
    if row is None:
        return None
    body = msgspec.json.encode({"inputs": row}).decode()
    where = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    header = shlex.quote("Content-Type: application/json")
    return f"curl {where}/predict -H {header} -d {shlex.quote(body)}"


def _newest_row(workspace: Workspace, bundle: Bundle) -> dict[str, Any] | None:
    """Read the newest row: of the columns that a request must bring, no others."""
    version = workspace.catalog.latest_data_version(bundle.unit.source)
    if version is None:
        return None
    subject = [] if bundle.unit.subject is None else [bundle.unit.subject]
    asked = [*bundle.unit.key, *subject, *(name for name, _ in bundle.feature_set.columns)]
    facts = read_facts(workspace.store, version, list(dict.fromkeys(asked)))
    if facts.is_empty():
        return None
    newest = facts.tail(1).row(0, named=True)
    return {name: _as_json(newest[name]) for name in dict.fromkeys(asked)}


def _as_json(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return value.total_seconds() if isinstance(value, timedelta) else value
