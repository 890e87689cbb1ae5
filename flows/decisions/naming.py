"""Names that reach PostgreSQL: which tables a pipeline may name, where they stand, and how an identifier is quoted."""

import hashlib
import re
from dataclasses import dataclass
from typing import Final

# Bytes: PostgreSQL cuts a longer name without a word, and two names become one.
MAX_BYTES: Final = 63
LINEAGE_COLUMN: Final = "_kaireon_lineage"
TARGET: Final = re.compile(r"(?:public\.)?(ds_[a-z0-9_]{1,60})", re.ASCII)
QUARANTINE: Final = re.compile(r"(?:dlq\.)?([a-z_][a-z0-9_]{0,62})", re.ASCII)
SCHEMA_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,59}", re.ASCII)


class NameRefused(ValueError):
    """A name that no table, column or schema of a tenant can have; the message says which do."""


@dataclass(frozen=True, slots=True)
class TableName:
    """A table where it stands (`schema`), and the schema as the tenant knows it (`shown_schema`)."""

    schema: str
    name: str
    shown_schema: str = "public"

    @property
    def sql(self) -> str:
        """Return the name for a statement, quoted."""
        return f"{quoted(self.schema)}.{quoted(self.name)}"

    @property
    def shown(self) -> str:
        """Return the name as people write it."""
        return f"{self.shown_schema}.{self.name}"

    def beside(self, suffix: str) -> "TableName":
        """Return another table of the same schema, called after this one; cut before the suffix where it is long."""
        return TableName(self.schema, fitted(self.name, suffix), self.shown_schema)


def quoted(identifier: str) -> str:
    """Return the identifier in double quotes, as PostgreSQL reads it; raise NameRefused for what cannot be one."""
    if not identifier or "\0" in identifier:
        raise NameRefused("A name is empty, or has a NUL in it.")
    if len(identifier.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise NameRefused(f"The name {identifier[:80]!r} is longer than {MAX_BYTES} bytes.")
    return '"' + identifier.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Return the text as a literal of SQL, with standard strings; raise NameRefused for a NUL."""
    if "\0" in text:
        raise NameRefused("A text has a NUL in it.")
    return "'" + text.replace("'", "''") + "'"


def fitted(name: str, suffix: str) -> str:
    """Return name and suffix within 63 bytes; a name that is cut keeps a digest of itself."""
    if len((name + suffix).encode()) <= MAX_BYTES:
        return name + suffix
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    kept = name.encode()[: MAX_BYTES - len(suffix.encode()) - 9].decode(errors="ignore")
    return f"{kept}_{digest}{suffix}"


def target_table(text: str, data_schema: str) -> TableName:
    """Return the tenant's table that `ds_x` or `public.ds_x` stands for; raise NameRefused for any other spelling."""
    found = TARGET.fullmatch(text)
    if found is None:
        raise NameRefused(f"{text[:130]!r} is no table of a pipeline; one reads public.ds_orders, in lower case.")
    return TableName(data_schema, found[1])


def quarantine_table(text: str, data_schema: str) -> TableName:
    """Return the tenant's quarantine table that `x` or `dlq.x` stands for; raise NameRefused otherwise."""
    found = QUARANTINE.fullmatch(text)
    if found is None:
        raise NameRefused(f"{text[:130]!r} is no quarantine table; one reads dlq.orders, in lower case.")
    return TableName(quarantine_schema(data_schema), found[1], "dlq")


def quarantine_schema(data_schema: str) -> str:
    """Return the schema of a tenant's quarantine tables: `dlq` beside `public`, else the data schema with `_dlq`."""
    return "dlq" if data_schema == "public" else fitted(data_schema, "_dlq")
