"""The data interface of the guarded views."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask_appbuilder.exceptions import DatabaseException
from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_babel import gettext
from sqlalchemy import inspect
from sqlalchemy.exc import IntegrityError, SQLAlchemyError


class SafeInterface(SQLAInterface):  # type: ignore[misc]
    """Says what went wrong in a sentence and never in SQL; repairs what the forms of Flask-AppBuilder get wrong."""

    def _guarded(self, write: Callable[[Any, bool], Any], item: Any, commit: bool) -> None:
        try:
            write(item, commit)
        except (SQLAlchemyError, DatabaseException) as error:
            self.session.rollback()
            cause = error.__cause__ if isinstance(error, DatabaseException) else error
            if isinstance(cause, IntegrityError):
                text = gettext("This value is already taken, or the row is still in use.")
            else:
                text = gettext("The change could not be saved.")
            raise DatabaseException(text) from ValueError(text)  # its REST API prints the cause

    def add(self, item: Any, commit: bool = True) -> None:
        """Add a row. Raises DatabaseException with a sentence for the person."""
        point_at_parents(item)
        self._guarded(super().add, item, commit)

    def edit(self, item: Any, commit: bool = True) -> None:
        """Change a row. Raises DatabaseException with a sentence for the person."""
        point_at_parents(item)
        self._guarded(super().edit, item, commit)

    def delete(self, item: Any, commit: bool = True) -> None:
        """Delete a row. Raises DatabaseException with a sentence for the person."""
        self._guarded(super().delete, item, commit)

    def get_col_default(self, col_name: str) -> Any:
        """As the base, but a time without fractions: the form shows them and then refuses its own value."""
        default = super().get_col_default(col_name)
        if callable(default) and self.is_datetime(col_name):
            return lambda: default().replace(microsecond=0)
        return default

    def is_nullable(self, col_name: str) -> bool:
        """As the base, but a checkbox is never required: that would mean that it must be ticked."""
        return True if self.is_boolean(col_name) else bool(super().is_nullable(col_name))


def point_at_parents(item: Any) -> None:
    """Write the ids of chosen parents: core's relations are for reading only, the column beside them counts."""
    state = inspect(item)
    for relation in state.mapper.relationships:
        if relation.viewonly and relation.direction.name == "MANYTOONE" and relation.key in state.dict:
            parent = state.dict[relation.key]
            column = next(iter(relation.local_columns))
            setattr(item, state.mapper.get_property_by_column(column).key, parent.id if parent is not None else None)
