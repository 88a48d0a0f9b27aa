"""What is wanted: `frame.toml` as values, and nothing else.

- `frame.py`: the structures that everyone else takes their orders from;
- `moment.py`: when a decision is taken, a column plus a span;
- `metrics.py`: the metrics that can be named, their kinds and directions;
- `reading.py`: text to `Frame`, or one error with every fault, its line and its mend;
- `schema.py`: the tables and keys that `frame.toml` knows, in data;
- `kinds.py`: what a value may be, one small reader per kind;
- `relations.py`: what must hold between keys;
- `faults.py`: faults while reading, and how they are told;
- `lines.py`: in which line of a TOML text a key stands;
- `hashes.py`: the frame's name, and the name of what its numbers measure.

The room is pure: it opens no file and asks no clock.
"""

from __future__ import annotations
