"""Optuna's store on a database server, read in one round trip."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy.exc import DBAPIError

from .plain_storage import PlainStorage


class ServerStorage(PlainStorage):
    """A PlainStorage on PostgreSQL, MySQL or MariaDB.

    A trial is read before what belongs to it, which is written first: one that is COMPLETE here has its value.
    """

    def _read(self, queries: Sequence[str]) -> list[list[Any]]:
        text = "; ".join(queries)  # as none of them has a value that is bound, they may be sent as one
        # PostgreSQL takes several statements for one transaction, and needs none to begin and to end
        options = {"isolation_level": "AUTOCOMMIT"} if self.engine.dialect.name == "postgresql" else {}
        with self.engine.connect().execution_options(no_parameters=True, **options) as connection:
            cursor: Any = connection.exec_driver_sql(text).cursor
            try:
                rows = [cursor.fetchall()]
                while cursor.nextset():
                    rows.append(cursor.fetchall())
            except self.engine.dialect.loaded_dbapi.Error as error:
                raise DBAPIError.instance(text, None, error, self.engine.dialect.loaded_dbapi.Error) from error
        return rows
