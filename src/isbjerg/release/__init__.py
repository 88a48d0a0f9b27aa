"""The release room."""

from __future__ import annotations
