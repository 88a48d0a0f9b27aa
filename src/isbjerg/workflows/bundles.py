"""Bundles in the store: kept as blobs, found by the hash of their manifest, verified when read."""

from __future__ import annotations

import msgspec

from isbjerg.canonical import sha256
from isbjerg.features.deployment import deploy_from
from isbjerg.models.bundle import MANIFEST, Bundle, from_files
from isbjerg.workflows.workspace import Workspace


def bundle_files(workspace: Workspace, bundle: str) -> dict[str, bytes]:
    """Read the files of a bundle from the blobs, by the hash of its manifest."""
    manifest = workspace.blobs.get(bundle)
    named = msgspec.json.decode(manifest)["files"]
    return {MANIFEST: manifest, **{n: workspace.blobs.get(h) for n, h in named.items()}}


def load_bundle(workspace: Workspace, bundle: str) -> tuple[Bundle, dict[str, bytes]]:
    """Read and verify a bundle from the blobs, ready to be computed.

    Raises
    ------
    BundleError
        When it is damaged, or calls Python functions that the project's files do not hold as they
        were at its training.
    """
    files = bundle_files(workspace, bundle)
    made = from_files(files, expected_hash=bundle)
    deploy_from(workspace.folder, made.feature_set)
    return made, files


def store_bundle(workspace: Workspace, files: dict[str, bytes]) -> str:
    """Store the files of a bundle as blobs; return its hash."""
    for content in files.values():
        workspace.blobs.put(content)
    return sha256(files[MANIFEST])
