"""Recipients that are no plugin stand in everybody's notice."""

from __future__ import annotations

import pytest

from webchatagent.core import notice, recipients
from webchatagent.core.errors import InvalidRequest, NotFound
from webchatagent.core.tenants import operator_tenant

HOSTER = {
    "name": "Nordwolke",
    "kind": "hosting",
    "country": "de",
    "privacy_url": "https://nordwolke.example.org/privacy",
    "purpose": "operate",
    "data": ["messages", "time"],
}


def said(tenant, language):
    """The sentences of a tenant's notice, in one text."""
    return "\n".join(
        s for section in notice.compose(tenant, language).sections for s in [section.heading, *section.sentences]
    )


@pytest.mark.parametrize(("language", "heading"), [("en", "Hosting of"), ("de", "Hosting dieses"), ("hi", "होस्टिंग")])
def test_every_notice_names_them_while_they_are_there(platform, acme, globex, language, heading):
    operator = operator_tenant(platform)
    number = recipients.save_recipient(operator, HOSTER)
    for tenant in (acme, globex, operator):
        text = said(tenant, language)
        assert heading in text and "Nordwolke (DE)" in text and HOSTER["privacy_url"] in text
    recipients.save_recipient(operator, {**HOSTER, "name": "Südwolke"}, number)
    assert "Südwolke" in said(acme, language) and "Nordwolke" not in said(acme, language)
    recipients.delete_recipient(operator, number)
    assert "Südwolke" not in said(acme, language)


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": " "},
        {"kind": "spying"},
        {"country": "Germany"},
        {"country": "d1"},
        {"privacy_url": "http://plain.example.org"},
        {"privacy_url": "javascript:alert(1)"},
        {"purpose": "fun"},
        {"data": []},
        {"data": ["soul"]},
    ],
    ids=str,
)
def test_a_wrong_field_is_named(platform, wrong):
    with pytest.raises(InvalidRequest) as caught:
        recipients.save_recipient(operator_tenant(platform), {**HOSTER, **wrong})
    assert caught.value.field == next(iter(wrong))


def test_what_another_tenant_writes_is_told_to_nobody(platform, acme, globex):
    recipients.save_recipient(acme, {**HOSTER, "name": "Planted"})
    assert "Planted" not in said(globex, "en") and "Planted" not in said(acme, "en")
    with pytest.raises(NotFound):
        recipients.delete_recipient(globex, 1)
