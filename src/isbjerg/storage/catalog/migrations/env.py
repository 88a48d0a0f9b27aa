"""Run by Alembic; the connection comes from :mod:`isbjerg.storage.catalog.migrating`.

Imported by anything else (documentation, the search for doctests) it does nothing.
"""

from __future__ import annotations

from alembic import context

from isbjerg.storage.catalog.schema import metadata

if hasattr(context, "config"):
    context.configure(
        connection=context.config.attributes["connection"],
        target_metadata=metadata,
        transactional_ddl=True,
        render_as_batch=True,
    )
    context.run_migrations()
