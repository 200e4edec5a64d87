"""What leaves the house, as the privacy notice says it."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlsplit

from webchatagent.core.api import Disclosure, Tenant, disclose

from .config import Config

KEPT_DAYS = 30
"""How long OpenAI keeps what is sent, to notice abuse (https://platform.openai.com/docs/guides/your-data)."""


def disclosures(tenant: Tenant, config: Config) -> list[Disclosure]:
    """One for answers; one more for the index when an embedding model is used. None when nothing leaves the house."""
    if config.region == "house":
        return []
    made = [_sent(tenant, config, "answer", ("messages", "documents"))]
    if config.embedding_model:
        made.append(_sent(tenant, config, "index", ("documents",)))
    return made


def _sent(tenant: Tenant, config: Config, purpose: str, data: tuple[str, ...]) -> Disclosure:
    made = disclose(tenant, "llm_openai", f"llm_openai.{purpose}", data, purpose, KEPT_DAYS, config.base_url)
    if config.own:
        return made
    host = urlsplit(config.base_url).hostname or ""
    return replace(made, recipient=config.service or host, country=config.country, privacy_url=config.policy)
