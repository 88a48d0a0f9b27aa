"""What is known: frames, data versions, runs, verdicts, model versions, assignments.

- ``records``: the values that go in and come out;
- ``schema``: the tables;
- ``engine``: how SQLite is opened, and what a transaction is;
- ``migrations``: how an older file becomes a newer one, and a new file is made;
- ``leases``: one command at a time, taken over at once from a killed one;
- ``versions``, ``runs``, ``releases``: what is written and read, by subject;
- ``catalog``: all of it under one name, `Catalog`.
"""

from __future__ import annotations
