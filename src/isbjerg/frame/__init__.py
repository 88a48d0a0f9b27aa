"""The frame room."""

from __future__ import annotations
