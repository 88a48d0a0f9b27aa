"""How an older catalog file becomes a newer one; each change is one file in ``versions``."""

from __future__ import annotations
