"""The storage room."""

from __future__ import annotations
