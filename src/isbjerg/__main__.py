"""``python -m isbjerg``: the same as the script ``isbjerg``."""

from __future__ import annotations

import sys

from isbjerg.cli.main import main

sys.exit(main())
