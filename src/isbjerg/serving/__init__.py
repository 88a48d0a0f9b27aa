"""The prediction server: its own composition root.

- ``main``: the command line, the process, its beginning and its end;
- ``app``: routes with declared permissions, as a small ASGI application;
- ``hosts``: which requests are meant for this machine, by their ``Host``;
- ``answers``: what a caller is told, refusals included;
- ``watch``: sees a new serving plan;
- ``live``: loads what a plan names, and swaps it in when it is warm;
- ``inputs``: a request's row to carriers, checked against the bundle's contract;
- ``predict``: row, lookups, features, score, record, commit, answer;
- ``facts``: facts that callers post, to the slots that use them.

It imports neither the catalog nor SQLAlchemy, scikit-learn, Polars or the LightGBM package.
"""

from __future__ import annotations
