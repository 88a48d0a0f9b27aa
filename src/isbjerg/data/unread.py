"""A name that nobody asked for, beside one that is missing: perhaps the same column, misspelt."""

from __future__ import annotations

from collections.abc import Sequence

from isbjerg.findings import Finding


def unread(table: str, missing: Sequence[str], more: int) -> Finding:
    """Tell that columns were taken as null while others were given that are not read.

    Either alone is ordinary: what may be null may be left out, and a row may hold more than a
    model reads. The names that were given are not repeated: they may hold what is personal.

    Parameters
    ----------
    table : str
        Of which the row is.
    missing : sequence of str
        Columns that were asked for and not given.
    more : int
        How many were given and not asked for.

    Examples
    --------
    >>> unread("orders", ["amount"], 1).message
    "'amount' was not given and counts as null, while 1 column was given that the model does not read."
    """
    names = ", ".join(f"'{name}'" for name in missing)
    one = len(missing) == 1
    return Finding(
        code="request.unread",
        subject=table,
        message=f"{names} {'was' if one else 'were'} not given and "
        f"{'counts' if one else 'count'} as null, while "
        f"{more} {'column was' if more == 1 else 'columns were'} given that the model does not read.",
        mend=f"send {', '.join(missing)} by {'this name' if one else 'these names'}, or null",
        evidence={"missing": list(missing), "unread": more},
    )
