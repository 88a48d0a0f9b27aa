"""Judgements about what may go live, as pure values.

- `gate`: evidence in, an immutable verdict out.
- `plan`: the serving plan, which tells servers what is live.
"""

from __future__ import annotations
