"""The world: files and databases below the folder ``.isbjerg``.

- ``layout``: where everything is;
- ``durable``: write a file so that a crash leaves all of it or none of it;
- ``sqlite_files``: how online.db and outcomes.db are opened;
- ``processes``: whether the process that wrote its number somewhere still lives;
- ``blobs``: bytes named by their SHA-256;
- ``tables``: immutable Parquet parts, facts of a data version, quarantine;
- ``catalog``: what is known about runs, versions and assignments, in SQLite;
- ``ledger``, ``ledger_writer``, ``outcomes``, ``online``, ``following``, ``plans``, ``ids``: what
  the prediction server writes and reads; they import neither SQLAlchemy nor Polars.
"""

from __future__ import annotations
