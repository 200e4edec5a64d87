"""What visitors of the website are asked, and their answers in the ledger.

A visitor is known by a random number of their browser, of which the ledger has a digest: it proves a choice to the one
who made it, and leads to nobody.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from webchatagent.core.api import (
    SITE_PURPOSES,
    InvalidRequest,
    Sentences,
    SitePurpose,
    Tenant,
    record_consent,
    wording_hash,
)

from .config import Config

LANGUAGES = ("en", "de", "hi")
CHANNEL = "site"
NUMBER = re.compile(r"[A-Za-z0-9_-]{22,64}")
texts = Sentences(__file__)
say = texts.say


@dataclass(frozen=True)
class Asked:
    """A purpose with its services. Another service is another `version`, and is asked about anew."""

    name: str
    services: tuple[SitePurpose, ...]

    @property
    def version(self) -> str:
        """A digest of who gets what; words and order do not count."""
        said = sorted(json.dumps(asdict(s), sort_keys=True) for s in self.services)
        return hashlib.sha256(json.dumps([self.name, said]).encode()).hexdigest()[:16]


def asked(tenant: Tenant) -> dict[str, Asked]:
    """The purposes that something is on for, by name."""
    found: dict[str, list[SitePurpose]] = {}
    for _, purpose in tenant.hooks.each("site_purposes", tenant=tenant):
        if purpose.purpose in SITE_PURPOSES:
            found.setdefault(purpose.purpose, []).append(purpose)
    return {name: Asked(name, tuple(found[name])) for name in SITE_PURPOSES if name in found}


def wording(tenant: Tenant, purpose: Asked, language: str) -> str:
    """The whole text that stands beside a choice."""
    services = [f"{s.service} ({s.recipient}, {s.country})" for s in purpose.services]
    return "\n".join([text_of(tenant, language), say(f"purpose_{purpose.name}", language), *services])


def text_of(tenant: Tenant, language: str) -> str:
    """The sentence above the choices."""
    return tenant.config(Config).text or say("text", language, tenant=tenant.name)


def choose(tenant: Tenant, sent: Any, language: str) -> None:
    """Write a visitor's choices. Raises InvalidRequest for anything that is not exactly about what is asked now."""
    number = sent.get("id") if isinstance(sent, Mapping) else None
    if not isinstance(number, str) or not NUMBER.fullmatch(number):
        raise InvalidRequest("`id` is a random text of 22 to 64 letters and digits.", "make one", field="id")
    known, choices, versions = asked(tenant), sent.get("choices"), sent.get("versions")
    sound = isinstance(choices, dict) and choices and all(isinstance(v, bool) for v in choices.values())
    if not sound or not isinstance(versions, dict) or not set(choices) <= set(known):
        raise InvalidRequest("`choices` are true or false for what is asked.", "see what is asked", field="choices")
    if any(versions.get(name) != known[name].version for name in choices):
        raise InvalidRequest("Something else is asked by now.", "ask again", field="versions", status=409)
    proof = f"consent:{hashlib.sha256(number.encode()).hexdigest()}"
    with tenant.write() as db:
        for name, granted in sorted(choices.items()):
            text = wording_hash(wording(tenant, known[name], language))
            record_consent(db, name, granted, text, channel=CHANNEL, proof=proof)
