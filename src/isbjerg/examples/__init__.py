"""The examples room."""

from __future__ import annotations
