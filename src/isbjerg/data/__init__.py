"""From what a source gives to immutable, checked facts.

- ``tables``: the values behind ``ib.parquet`` and ``ib.csv`` (imports nothing heavy);
- ``reading``: read such a table, or a data frame of another library, with Polars;
- ``guessing``: which type a CSV column has, judged by all its texts;
- ``carriers``: give every column one of isbjerg's types, and count what had to become null;
- ``manifest``: what is recorded of a table: data versions and their parts (nothing heavy);
- ``versions``: which rows of a read are new or corrected, and the version they make;
- ``contract``: what a table promises, and the check of one row (imports nothing heavy);
- ``row_checking``: the check of rows that come in one by one (imports nothing heavy);
- ``drafting``: a cautious first contract from data;
- ``checking``: the check of a whole table: rows that pass, rows to quarantine, findings;
- ``odcs``: contracts as Open Data Contract Standard 3.1 files;
- ``split``: train, validation and test in the order of time, purged.
"""

from __future__ import annotations
