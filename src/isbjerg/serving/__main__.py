"""Make ``python -m isbjerg.serving`` run the server."""

from __future__ import annotations

import sys

from isbjerg.serving.main import main

if __name__ == "__main__":
    sys.exit(main())
