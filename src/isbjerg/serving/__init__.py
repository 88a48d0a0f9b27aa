"""The serving room."""

from __future__ import annotations
