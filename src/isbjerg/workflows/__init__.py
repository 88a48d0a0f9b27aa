"""One module per act: what happens, in order, when a verb is said.

``project_files``    reads frame.toml, sources.py, features.py and models.py of a project
``project_modules``  imports those files under their own names, and forgets them again
``workspace``        a project's folder, store, catalog and clock, opened together
``ingest``           sources to data versions; ``ingest_table`` one of them
``comparing``        a read against what is known: new, corrected, gone
``contracts``        the contract of each source: drafted once, kept by people
``stored_facts``     facts in data versions, and facts posted since
``absorbing``        how these join those, through the contract
``train``            the ladder once, from ingest to the record of the run
``units``            the rows that can be learnt from: decisions whose outcome is known
``preparing``        units, features as known, split; what the rungs learn from
``fitting``          one rung: fit, bundle, score
``judging``          the chosen rung before the gate
``unacted``          what frame.toml states and no verb acts on yet
``bundles``          bundles in the store, verified when read
``promote``          a model version goes live, or back, by a numbered serving plan
``feed``             data versions to the online store
``settle``           outcomes that have become known, to the ledger
``outcome_files``    reads a file of them
``settle_sifting``   which of its rows are settled, and what is said of the others
``settle_facts``     makes them facts of the unit's source
``trace``            everything behind one prediction, replayed
``status``           where the project stands, what its runs came to
``history``          what was live when
``provenance``       the code and the environment of a run
``progress``         how far an act has come
``drafting``         a new project from a table; with the files ``drafting_*``

Only workflows act. Each can be killed at any point: what it commits, it commits in one
transaction, and whatever it leaves half done the next command finishes or sweeps.
"""

from __future__ import annotations
