from __future__ import annotations

import subprocess
import sys

HEAVY = {"polars", "pyarrow", "pandas", "sklearn", "scipy", "lightgbm", "sqlalchemy"}


def test_a_server_loads_no_training_and_no_table_library():
    code = (
        "import sys, isbjerg.models.predictors, isbjerg.models.bundle, isbjerg.release.plan;"
        "print(' '.join(m for m in sys.modules if '.' not in m))"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert HEAVY.isdisjoint(loaded.stdout.split())
