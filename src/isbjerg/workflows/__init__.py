"""One module per act: what happens, in order, when a verb is said.

``project_files``  reads frame.toml, sources.py, features.py and models.py of a project
``workspace``      a project's folder, store, catalog and clock, opened together
``ingest``         sources to data versions, through their contracts
``units``          the rows that can be learnt from: decisions whose outcome is known
``train``          the ladder once: fit, measure, compare, judge, bundle, record
``promote``        a model version goes live, or back, by a numbered serving plan
``feed``           data versions and settled rows to the online store
``settle``         outcomes that have become known, to the ledger and the next data version
``trace``          everything behind one prediction, replayed
``drafting``       a new project from a table

Only workflows act. Each can be killed at any point: what it commits, it commits in one
transaction, and whatever it leaves half done the next command finishes or sweeps.
"""

from __future__ import annotations
