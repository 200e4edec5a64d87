"""STOP and START, and the opt-in for what the tenant begins: kept in the ledger of consents."""

from __future__ import annotations

from sqlalchemy import update

from webchatagent.core.api import NotFound, Subject, Tenant, grant_consent, is_granted, withdraw_consent

from .config import Config
from .models import Person
from .people import CHANNEL
from .words import say

PURPOSE = "whatsapp_marketing"
STOP = frozenset(
    {"stop", "stop all", "stopall", "unsubscribe", "opt out", "optout"}
    | {"stopp", "abmelden", "abbestellen", "abbestellung", "keine nachrichten", "keine nachrichten mehr"}
    | {"रोकें", "रोको", "स्टॉप", "बंद करें", "बंद करो", "सदस्यता समाप्त करें"}
)
START = frozenset(
    {"start", "subscribe", "unstop", "opt in", "optin"}
    | {"anmelden", "starten", "abonnieren"}
    | {"शुरू", "शुरू करें", "स्टार्ट", "सदस्यता लें"}
)
_SIGNS = " \t\r\n.,!?;:'\"„“”»«।*_-"


def word_of(text: str) -> str:
    """`stop` or `start` when a message says that and nothing else; empty otherwise."""
    said = " ".join(text.casefold().split()).strip(_SIGNS)
    return "stop" if said in STOP else "start" if said in START else ""


def obey(tenant: Tenant, person: Person, word: str, language: str, key: str) -> str:
    """Do what the word says, and give the sentence that confirms it. `key` names the message, for the ledger."""
    with tenant.write() as db:
        change = update(Person).where(Person.id == person.id).values(stopped=word == "stop")
        db.execute(change.execution_options(synchronize_session=False))
    proof = f"WhatsApp message {key[:16]}: {word.upper()}"
    if word == "stop":
        withdraw(tenant, person.session_id, proof)
        return say("stopped", language)
    asked = tenant.config(Config).optin_text
    if not asked:
        return say("started", language)
    if not may_begin(tenant, person):
        grant_consent(tenant, person.session_id, PURPOSE, asked, channel=CHANNEL, proof=proof)
    return say("started_optin", language, text=asked)


def withdraw(tenant: Tenant, session_id: int, proof: str) -> None:
    """Write the withdrawal of what is in force; nothing when there is nothing."""
    try:
        withdraw_consent(tenant, Subject(session_id=session_id), PURPOSE, channel=CHANNEL, proof=proof)
    except NotFound:
        return


def may_begin(tenant: Tenant, person: Person) -> bool:
    """Whether the tenant may write to a person who did not ask: they said yes, and did not take it back."""
    return is_granted(tenant, Subject(session_id=person.session_id), PURPOSE)
