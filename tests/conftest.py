"""What all tests share: how hypothesis searches.

A property that takes long on a busy machine is not wrong, so there is no deadline. In CI the
search is the same each time, so that a red run can be repeated; a developer's runs go on
searching.
"""

from __future__ import annotations

import os

from hypothesis import settings

settings.register_profile("searching", deadline=None)
settings.register_profile("repeatable", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("repeatable" if os.environ.get("CI") else "searching")
