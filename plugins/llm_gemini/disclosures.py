"""What leaves the house, as the privacy notice says it."""

from __future__ import annotations

from dataclasses import replace

from webchatagent.core.api import Disclosure, Tenant, disclose

from .config import Config

KEPT_DAYS = 55
"""How long Google keeps what paid projects send, to notice abuse (https://ai.google.dev/gemini-api/terms)."""


def disclosures(tenant: Tenant, config: Config) -> list[Disclosure]:
    """One for answers; one more for the index when an embedding model is used."""
    made = [_sent(tenant, config, "answer", ("messages", "documents"))]
    if config.embedding_model:
        made.append(_sent(tenant, config, "index", ("documents",)))
    return made


def _sent(tenant: Tenant, config: Config, purpose: str, data: tuple[str, ...]) -> Disclosure:
    made = disclose(tenant, "llm_gemini", f"llm_gemini.{purpose}", data, purpose, KEPT_DAYS, config.base_url)
    return replace(made, transfer="US")
