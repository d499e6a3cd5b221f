"""An SQLite file that several processes share."""

import sqlite3
from collections.abc import Sequence
from typing import Any

BUSY_TIMEOUT_S = 60
"""How long whoever reads or writes waits for another process that holds the SQLite file.

A write takes milliseconds, but a copy or a backup of the file can hold it for many seconds, and a search of hours must
not die of that.
"""


def read_at_once(cursor: sqlite3.Cursor, queries: Sequence[str]) -> list[list[Any]]:
    """The rows of each query."""
    cursor.execute("BEGIN")  # one view of all tables: else a trial could be COMPLETE here and without its value there
    rows = [cursor.execute(query).fetchall() for query in queries]
    cursor.connection.rollback()
    return rows
