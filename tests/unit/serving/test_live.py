from __future__ import annotations

import pytest
from tests.workflows.server_kit import make_bundle

from isbjerg.errors import IsbjergError
from isbjerg.release.plan import Route
from isbjerg.serving.live import load


def test_a_bundle_that_is_whole_but_not_the_one_named_is_not_loaded() -> None:
    first, files = make_bundle(1)
    second, _ = make_bundle(2)
    route = Route(role="live", model_version=1, bundle=first, rung="rung1")
    assert load(1, route, files).bundle.hash == first
    with pytest.raises(IsbjergError, match="asked for was"):
        load(1, Route(role="live", model_version=2, bundle=second, rung="rung2"), files)
