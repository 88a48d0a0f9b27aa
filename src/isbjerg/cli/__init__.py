"""The cli room."""

from __future__ import annotations
