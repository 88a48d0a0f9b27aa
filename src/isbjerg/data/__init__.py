"""The data room."""

from __future__ import annotations
