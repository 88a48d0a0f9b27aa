"""The evaluation room."""

from __future__ import annotations
