"""Pages about runs, drawn from values: HTML without scripts, figures as inline SVG.

Pure: the same values give the same bytes. Nothing here reads a file but its own templates, and a
page asks the network for nothing.
"""

from __future__ import annotations
