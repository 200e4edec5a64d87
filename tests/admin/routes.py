"""The table of every route of the admin: who may open it, and what stands in its address."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

ALL = ("owner", "editor", "agent", "viewer", "privacy")
WRITERS = ("owner", "editor")
OWNERS = ("owner",)
PRIVATE = ("owner", "privacy")
SPARE = 999_999
"""The id of nothing: a destructive route is tried on it, so that who may gets 404 and who may not 403."""


@dataclass(frozen=True)
class Route:
    """One route: its method and form, the member roles that may, and whether it destroys what it is called on.

    `may` is empty for what only the operator may. `ids` names which of a tenant's ids stand for the placeholders of
    the rule, in order.
    """

    rule: str
    may: tuple[str, ...]
    method: str = "GET"
    form: dict[str, str] = field(default_factory=dict)
    ids: tuple[str, ...] = ()
    destroys: bool = False

    def path(self, ids: dict[str, Any]) -> str:
        """The rule with a tenant's ids."""
        parts, names = [], iter(self.ids)
        for part in self.rule.split("/"):
            parts.append(str(ids[next(names)]) if part.startswith("<") else part)
        return "/".join(parts)


def post(rule: str, may: tuple[str, ...], ids: tuple[str, ...] = (), destroys: bool = False, **form: str) -> Route:
    """A route that changes something."""
    return Route(rule, may, "POST", form, ids, destroys)


TABLE = (
    Route("/", ALL),
    Route("/account/", ALL),
    Route("/account/second-step", ALL),
    post("/account/second-step/off", ALL, present="wrong"),
    post("/account/tenant", ALL, tenant="0"),
    post("/sign-in/<method>/unlink", ALL, ids=("plugin",)),
    Route("/bots/list/", ALL),
    Route("/bots/show/<pk>", ALL, ids=("bot",)),
    Route("/bots/add", WRITERS),
    Route("/bots/edit/<pk>", WRITERS, ids=("bot",)),
    post("/bots/delete/<pk>", WRITERS, ("bot",), destroys=True),
    Route("/conversations/", ALL),
    Route("/conversations/<int:session_id>", ALL, ids=("talk",)),
    post("/conversations/<int:session_id>/delete", PRIVATE, ("talk",), destroys=True),
    post("/conversations/<int:session_id>/answer", ("owner", "editor", "agent"), ("talk",), destroys=True, text="x"),
    Route("/conversations/<int:session_id>/files/<int:number>", ALL, ids=("talk", "talk"), destroys=True),
    Route("/contacts/list/", ("owner", "editor", "agent", "privacy")),
    Route("/contacts/show/<pk>", ("owner", "editor", "agent", "privacy"), ids=("contact",)),
    Route("/contacts/edit/<pk>", ("owner", "agent", "privacy"), ids=("contact",)),
    post("/contacts/delete/<pk>", PRIVATE, ("contact",), destroys=True),
    post("/contacts/action/<string:name>/<pk>", ("owner", "agent", "privacy"), ("restrict", "contact")),
    post("/contacts/action_post", ("owner", "agent", "privacy"), action="restrict"),
    Route("/jobs/list/", WRITERS),
    post("/jobs/action/<string:name>/<pk>", WRITERS, ("retry", "job")),
    post("/jobs/action_post", WRITERS, action="retry"),
    Route("/usage/list/", ("owner", "editor", "viewer")),
    Route("/consents/list/", PRIVATE),
    Route("/actions/list/", ("owner", "editor", "agent")),
    Route("/audit/", PRIVATE),
    Route("/settings/", PRIVATE),
    post("/settings/save", OWNERS, name=""),
    Route("/embedding/", WRITERS),
    post("/embedding/change", OWNERS, do="nothing"),
    Route("/embed/<int:bot_id>/", ALL, ids=("bot",)),
    post("/embed/<int:bot_id>/origins", WRITERS, ("bot",), add="none"),
    post("/embed/<int:bot_id>/check", WRITERS, ("bot",), address="none"),
    Route("/model/<int:bot_id>/", ALL, ids=("bot",)),
    Route("/model/<int:bot_id>/compare", ALL, ids=("bot",)),
    post("/model/<int:bot_id>/save", WRITERS, ("bot",), chat_model="none", temperature="x"),
    post("/model/<int:bot_id>/limits", WRITERS, ("bot",), at_limit="never"),
    post("/model/<int:bot_id>/check", WRITERS, ("bot",), plugin="offline"),
    post("/model/<int:bot_id>/restore/<int:number>", WRITERS, ("bot", "version")),
    Route("/preview/<int:bot_id>/", ALL, ids=("bot",)),
    Route("/playground/<int:bot_id>/", WRITERS, ids=("bot",)),
    post("/playground/<int:bot_id>/ask", WRITERS, ("bot",), question="Hello?"),
    Route("/sent/<int:session_id>/<int:message_id>", PRIVATE, ids=("answered", "answer")),
    Route("/statistics/", ("owner", "editor", "viewer")),
    Route("/statistics/table.csv", ("owner", "editor", "viewer")),
    Route("/prices/", ("owner", "editor", "viewer")),
    Route("/prices/export.json", OWNERS),
    post("/prices/save", OWNERS, currency="none"),
    post("/prices/limits", OWNERS, at_limit="never"),
    Route("/sources/<int:bot_id>/", ALL, ids=("bot",)),
    Route("/sources/<int:bot_id>/state", ALL, ids=("bot",)),
    post("/sources/<int:bot_id>/upload", WRITERS, ("bot",)),
    post("/sources/<int:bot_id>/website", WRITERS, ("bot",), url="none"),
    post("/sources/<int:bot_id>/documents", WRITERS, ("bot",), do="retry"),
    post("/sources/<int:bot_id>/source/<int:source_id>", WRITERS, ("bot", "source"), do="nothing"),
    # no plugin of this house connects anything: an owner finds nothing, all others may not look
    Route("/connections/<plugin>/", OWNERS, ids=("connected",), destroys=True),
    Route("/connections/<plugin>/begin", OWNERS, ids=("connected",), destroys=True),
    Route("/connections/<plugin>/back", OWNERS, ids=("connected",), destroys=True),
    post("/connections/<plugin>/choose", OWNERS, ("connected",), destroys=True, choice="x"),
    post("/connections/<plugin>/disconnect", OWNERS, ("connected",), destroys=True),
    # nothing is sold in this house: an owner finds nothing
    Route("/plan/", ("owner", "editor", "viewer"), destroys=True),
    post("/plan/choose", OWNERS, destroys=True, price="price_1"),
    post("/plan/portal", OWNERS, destroys=True),
    post("/plan/end", OWNERS, destroys=True, end="yes"),
    Route("/plan/invoice/<number>", OWNERS, ids=("connected",), destroys=True),
    Route("/marketplace/", ALL),
    Route("/marketplace/<plugin>/", ALL, ids=("plugin",)),
    post("/marketplace/<plugin>/settings", OWNERS, ("plugin",), c_max_pages="x"),
    post("/marketplace/<plugin>/enable", OWNERS, ("plugin",)),
    post("/marketplace/<plugin>/check", OWNERS, ("plugin",)),
    post("/marketplace/<plugin>/disable", OWNERS, ("plugin",), destroys=True),
    Route("/members/", ("owner", "editor", "privacy")),
    post("/members/invite", OWNERS, email="no address", role="viewer"),
    post("/members/<int:person_id>/change", OWNERS, ("person",), destroys=True, role="viewer"),
    post("/members/<int:person_id>/remove", OWNERS, ("person",), destroys=True),
    post("/members/invitations/<int:invitation_id>/withdraw", OWNERS, ("invitation",), destroys=True),
    Route("/keys/", OWNERS),
    post("/keys/add", OWNERS, name=""),
    post("/keys/<prefix>/revoke", OWNERS, ("key",), destroys=True),
    Route("/outbox/", OWNERS),
    Route("/outbox/<int:mail_id>", OWNERS, ids=("mail",)),
    post("/outbox/<int:mail_id>/send", OWNERS, ("mail",), destroys=True),
    Route("/deleted/", WRITERS),
    post("/deleted/<kind>/<int:number>/restore", WRITERS, ("kind", "gone"), destroys=True),
    post("/deleted/<kind>/<int:number>/erase", WRITERS, ("kind", "gone"), destroys=True),
    Route("/closing/", ALL),
    post("/closing/close", OWNERS, name="wrong"),
    post("/closing/undo", OWNERS),
    Route("/support-visits/list/", PRIVATE),
    post("/support/end", PRIVATE),
    Route("/support/<slug>", (), ids=("slug",)),
    post("/support/<slug>/begin", (), ("slug",), destroys=True),
    post("/tenants/<slug>/close", (), ("slug",), destroys=True),
    post("/tenants/<slug>/reopen", (), ("slug",), destroys=True),
    Route("/notices/", ()),
    post("/notices/add", (), subject_en=""),
    post("/notices/<int:notice_id>/send", (), ("notice",), destroys=True),
    post("/notices/<int:notice_id>/delete", (), ("notice",), destroys=True),
    Route("/plugins/", ()),
    Route("/recipients/list/", ()),
    Route("/recipients/show/<pk>", (), ids=("recipient",)),
    Route("/recipients/add", ()),
    Route("/recipients/edit/<pk>", (), ids=("recipient",)),
    post("/recipients/delete/<pk>", (), ("recipient",), destroys=True),
    Route("/privacy-notice/", ("owner", "editor", "privacy")),
    post("/privacy-notice/publish", PRIVATE),
    Route("/requests/", PRIVATE),
    post("/requests/add", PRIVATE, email=""),
    Route("/requests/<int:request_id>", PRIVATE, ids=("request",)),
    Route("/requests/<int:request_id>/copy.json", PRIVATE, ids=("request",)),
    post("/requests/<int:request_id>/settle", PRIVATE, ("request",), destroys=True),
    post("/requests/<int:request_id>/refuse", PRIVATE, ("request",), destroys=True, reason="It is a test."),
    Route("/withdrawals/", PRIVATE),
    post("/withdrawals/add", PRIVATE, email=""),
    Route("/tenants/", ()),
    post("/tenants/add", (), slug="-"),
    Route("/health/", ()),
    Route("/people/", ()),
    post("/people/<int:person_id>/active", (), ("person",), destroys=True, active="yes"),
    Route("/papers/list/", ALL),
    Route("/papers/show/<pk>", ALL, ids=("document",)),
    Route("/papers/add", OWNERS),
    Route("/papers/edit/<pk>", OWNERS, ids=("document",)),
    post("/papers/delete/<pk>", OWNERS, ("document",), destroys=True),
    post("/papers/action/<string:name>/<pk>", OWNERS, ("action", "document")),
    post("/papers/action_post", OWNERS, action="touch"),
)
ALONE = {"/account/leave", "/account/delete"}
"""Routes that would take the person of the test away; `test_admin_accounts` has them to itself."""
OPEN = {
    "/login/",
    "/logout/",
    "/account/language",
    "/invitation/<token>",
    "/register/",
    "/register/<token>",
    "/reset/",
    "/reset/<token>",
    "/second-step/",
    "/sign-in/<method>",
    "/sign-in/<method>/back",
    "/sign-in/confirm/<token>",
    "/sign-in/finish",
    "/sign-in/mail",
    "/static/<path:filename>",
    "/static/appbuilder/<path:filename>",
    "/widget/v1/<path:filename>",
}
"""Routes without a log-in."""
