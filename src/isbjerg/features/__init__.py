"""Features: what they depend on, and their values as they were known at a time.

``definitions``  sources with knowledge times, features, lookups, as user code writes them
``sets``         a feature set: the typed, stored, hashed form of what a candidate needs
``timelines``    facts of a source as a step function over knowledge time, per key
``assembly``     offline: units and timelines to feature columns, a table at a time
``online``       the same timelines in memory, grown fact by fact, read a key at a time
"""

from __future__ import annotations
