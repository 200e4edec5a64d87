"""Pages of a list."""

from __future__ import annotations

from dataclasses import dataclass

from flask import request, url_for

MAX_NUMBER = 2**31 - 1
"""The largest number that a row can have; the database refuses to compare a larger one."""


def asked_number(name: str) -> int:
    """A number in the query of the request; 0 for none, and for what is no row's."""
    number: int = request.args.get(name, 0, type=int)
    return number if 0 <= number <= MAX_NUMBER else 0


@dataclass(frozen=True)
class Pager:
    """Page `page` (from 0) of a list of `total` rows, `size` on a page; `name` is the query parameter (from 1)."""

    page: int
    size: int
    total: int
    name: str = "page"

    @staticmethod
    def number(name: str = "page") -> int:
        """The page that the request asks for."""
        return min(max(asked_number(name) - 1, 0), 100_000)

    @property
    def pages(self) -> int:
        """How many pages there are, at least one."""
        return max(1, -(-self.total // self.size))

    @property
    def first(self) -> int:
        """The number of the first row shown; 0 when there is none."""
        return self.page * self.size + 1 if self.total else 0

    @property
    def last(self) -> int:
        """The number of the last row shown."""
        return min(self.total, (self.page + 1) * self.size)

    def link(self, page: int, **changes: object) -> str:
        """The address of another page, everything else as it is."""
        values: dict[str, object] = {
            **(request.view_args or {}),
            **request.args.to_dict(),
            **changes,
            self.name: page + 1,
        }
        return url_for(str(request.endpoint), **{k: v for k, v in values.items() if v not in ("", None)})  # type: ignore[arg-type]
