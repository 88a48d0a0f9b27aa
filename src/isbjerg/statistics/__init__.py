"""The statistics room."""

from __future__ import annotations
