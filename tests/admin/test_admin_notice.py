"""The page of the privacy notice: published with one click, and what differs from it."""

from __future__ import annotations

from typing import Any

from webchatagent.core import plugins
from webchatagent.core.noticeversions import list_versions


def test_publishing_and_what_differs_afterwards(house: Any) -> None:
    officer = house.browser("privacy@example.org")
    assert "Never published" in officer.get("/privacy-notice/").text
    assert officer.post("/privacy-notice/publish").status_code == 302
    assert "Up to date" in officer.get("/privacy-notice/").text and len(list_versions(house.acme)) == 1
    plugins.enable(house.acme, "calendar")
    page = officer.get("/privacy-notice/?language=de").text
    assert "Differs from what is on" in page and "<ins>" in page and "Zweck" in page
    officer.post("/privacy-notice/publish")
    page = officer.get("/privacy-notice/").text
    assert "Up to date" in page and "version=1" in page and list_versions(house.globex) == []
    assert house.browser("editor@example.org").get("/privacy-notice/").status_code == 200
    assert house.browser("viewer@example.org").get("/privacy-notice/").status_code == 403
