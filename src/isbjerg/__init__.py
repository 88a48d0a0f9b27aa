"""isbjerg: the other nine tenths of a machine-learning project."""

from __future__ import annotations
