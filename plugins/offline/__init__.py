"""Offline answers: the best sentences of the passages, in their own words, cited. Needs no provider and no network."""

from __future__ import annotations

from webchatagent.core.api import ChatModel, Tenant, hookimpl


@hookimpl
def chat_models(tenant: Tenant) -> list[ChatModel]:
    """The extractive model."""
    from .model import OfflineModel

    return [OfflineModel()]
