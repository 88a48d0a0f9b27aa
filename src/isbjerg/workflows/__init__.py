"""The workflows room."""

from __future__ import annotations
