"""Features: what they depend on, and their values as they were known at a time.

``definitions``  sources with knowledge times, features, lookups, as user code writes them
``sets``         a feature set: the typed, stored, hashed form of what a candidate needs
``keys``         one text for a tuple of values: what a lookup compares, which fact a row is
``fixed_point``  sums that do not depend on the order of their terms
``facts``        from the rows of a source to what a slot needs of them
``groups``       what units ask for, as numbers
``versions``     which fact a correction replaces, and when
``moments``      times in groups, and the search for the last before a time
``timelines``    which fact is the newest, and what is inside a window, at any time
``fixed_columns``  the sums of ``fixed_point`` over columns
``desk``         lookups for a table of units, each stage shared by the slots that can
``assembly``     offline: units and facts to feature columns, a table at a time
``online``       the same lookups in memory, grown fact by fact, read a key at a time
"""

from __future__ import annotations
