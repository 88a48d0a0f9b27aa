"""The migrations, in order of their numbers."""

from __future__ import annotations
