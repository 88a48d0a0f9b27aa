from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

from isbjerg.serving.watch import mark, watch
from isbjerg.storage.durable import write_durably


def test_each_replacement_is_seen_also_of_equal_size(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    seen: list[bytes] = []

    async def follow() -> None:
        changed = asyncio.Event()

        async def note() -> None:
            seen.append(path.read_bytes())
            changed.set()

        task = asyncio.create_task(watch(path, note, mark(path)))
        for content in (b"1", b"2", b"3"):
            changed.clear()
            write_durably(path, content)
            await asyncio.wait_for(changed.wait(), 10)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    asyncio.run(follow())
    assert seen == [b"1", b"2", b"3"]
    assert mark(tmp_path / "none") is None
