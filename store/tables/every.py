"""Every table: the files beside this one are found, so that each has its place in the metadata."""

from importlib import import_module
from pkgutil import iter_modules

from sqlmodel import SQLModel

import store.tables

for _module in iter_modules(store.tables.__path__):
    if _module.name != "every":
        import_module(f"store.tables.{_module.name}")

TENANTED = tuple(sorted(name for name, table in SQLModel.metadata.tables.items() if "tenant_id" in table.columns))
"""The tables whose rows are filtered by `tenant_id`; those of `tenants` itself are by `id`."""
