"""The models room."""

from __future__ import annotations
