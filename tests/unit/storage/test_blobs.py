from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isbjerg.errors import ArgumentError, StoreError
from isbjerg.storage.blobs import Blobs
from isbjerg.storage.durable import settle_file


@given(content=st.binary(max_size=64))
@settings(max_examples=25, deadline=None)
def test_what_is_put_is_got(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    blobs = Blobs(tmp_path_factory.mktemp("blobs"))
    assert blobs.get(blobs.put(content)) == content
    assert blobs.put(content) == blobs.put(content)


def test_a_missing_and_a_damaged_blob_are_refused(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    name = blobs.put(b"ice")
    blobs.path(name).write_bytes(b"mud")
    with pytest.raises(StoreError) as caught:
        blobs.get(name)
    assert caught.value.kind_code == "ISB602"
    assert blobs.put(b"ice") == name, "putting it again mends it"
    assert blobs.get(name) == b"ice"
    with pytest.raises(StoreError) as caught:
        blobs.get("0" * 64)
    assert caught.value.kind_code == "ISB601"


def test_no_text_becomes_a_path_outside(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError):
        Blobs(tmp_path).path("../../etc/passwd")


def test_a_failed_write_leaves_nothing(tmp_path: Path) -> None:
    def fails(temporary: Path) -> Path:
        temporary.write_bytes(b"half")
        raise ValueError

    with pytest.raises(ValueError):
        settle_file(tmp_path, fails)
    assert list(tmp_path.iterdir()) == []
