"""Personal data on its way to a model: what leaves is `Masked`, and only a vault makes that."""

from __future__ import annotations

from typing import final

_MAKER = object()


@final
class Masked(str):
    """Text that may leave the house. The ports to models take nothing else, so the type checker sees a leak."""

    __slots__ = ()

    def __new__(cls, text: str, maker: object) -> Masked:
        if maker is not _MAKER:
            raise TypeError("only a Vault makes Masked text")
        return super().__new__(cls, text)


class Vault:
    """The pseudonyms of one turn; they are reversible here and die with it."""

    def __init__(self) -> None:
        self._originals: dict[str, str] = {}

    def mask(self, text: str) -> Masked:
        """The text with each known original replaced by its placeholder."""
        for placeholder, original in self._originals.items():
            text = text.replace(original, placeholder)
        return Masked(text, _MAKER)

    def hide(self, original: str, placeholder: str) -> None:
        """Remember that `original` must leave as `placeholder`."""
        self._originals[placeholder] = original

    def restore(self, text: str) -> str:
        """The text with the originals put back, for the visitor."""
        for placeholder, original in self._originals.items():
            text = text.replace(placeholder, original)
        return text
