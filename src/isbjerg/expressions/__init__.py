"""The typed expression tree: what a feature, a rule, a target or an assumption *is*.

``tree``       the nodes, their JSON form, format and semantics versions
``inference``  from an untyped tree and the types of its inputs to a typed tree
``build``      the objects that user code holds while it is traced
``tracing``    from a Python function to a tree, refusing what cannot be traced
``checking``   refuses a tree that is not whole, before a compiler relies on it
``values``     between Python values and the carriers that compiled code works on
``zones``      wall clocks of the tz database, for a row
``python``     compiles typed trees to one generated Python function (a row, online)
``polars``     compiles typed trees to Polars expressions (a table, offline)

What each operation means is written in ``docs/internals/semantics.md`` and held by a
property suite that runs both compilers over generated trees and rows.
"""

from __future__ import annotations
