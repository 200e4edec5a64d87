"""The attacks on the admin that a bare Flask-AppBuilder does not withstand, as data: what is sent, and by which way.

In an address or a form, `{document}` is the attacked row and `{own_document}` one of the attacker's own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

LIST, ADD, BULK = "/papers/list/", "/papers/add", "/papers/action_post"
SHOW, EDIT, DELETE = "/papers/show/{document}", "/papers/edit/{document}", "/papers/delete/{document}"
OWN_EDIT = "/papers/edit/{own_document}"
ONE = "/papers/action/touch/{document}"
GONE = (404, 405)


@dataclass(frozen=True)
class Probe:
    """One attack.

    `absent`: a way in that the admin must not have at all, not even on an own row. `oracle`: it asks whether a value
    is taken, which only a value of the own tenant may be.
    """

    name: str
    path: str
    method: str = "GET"
    form: dict[str, Any] = field(default_factory=dict)
    absent: bool = False
    oracle: bool = False


def post(name: str, path: str, /, absent: bool = False, **form: Any) -> Probe:
    """An attack that would change something."""
    return Probe(name, path, "POST", form, absent)


def paper(source: str = "{own_source}", bot: str = "{own_bot}", **form: str) -> dict[str, str]:
    """A form of a document."""
    return {"title": "PLANTED", "external_id": "planted-{n}", "source": source, "bot": bot, **form}


SCREENS = (
    Probe("list: rows", LIST),
    Probe("list: text filter", LIST + "?_flt_2_title={mark}"),
    Probe("list: drop-downs of the search form", "/conversations/"),
    Probe("show by id", SHOW),
    Probe("edit form by id", EDIT),
    post("edit by id", EDIT, **paper()),
    post("delete by id", DELETE),
    Probe("delete by GET", "/papers/delete/{own_document}", absent=True),
    Probe("add form: drop-downs", ADD),
    Probe("edit form: drop-downs", OWN_EDIT),
    post("add with a foreign parent", ADD, **paper(source="{source}")),
    post("add with a foreign parent in the address", ADD + "?_flt_0_source={source}", **paper(source="{source}")),
    post("edit with a list of foreign parents", OWN_EDIT, **{**paper(), "source": ["{source}", "{own_source}"]}),
    post("action on one row", ONE),
    Probe("action on one row by GET", ONE, absent=True),
    post("action on chosen rows", BULK, action="touch", rowid=["{document}"]),
    post("mass delete of chosen rows", BULK, absent=True, action="muldelete", rowid=["{document}"]),
    Probe("master and detail by id", "/sources/{bot}/"),
    Probe("add form with a foreign parent in the address", ADD + "?_flt_0_source={source}"),
    Probe("chart of a foreign bot", "/statistics/?bot={bot}"),
    Probe("chart: drop-downs and groups", "/statistics/"),
    Probe("unique value as an oracle", ADD, "POST", paper(external_id="{taken}"), oracle=True),
    Probe("download by file name", "/papers/download/{mark}.txt", absent=True),
    Probe("bots: list", "/bots/list/"),
    Probe("bots: show by id", "/bots/show/{bot}"),
    Probe("bots: edit form by id", "/bots/edit/{bot}"),
    Probe("bots: add form of a child", ADD + "?bot={bot}"),
    Probe("bots: edit form of a child", OWN_EDIT + "?bot={bot}"),
    Probe("bots: search filter on the parent", LIST + "?_flt_0_bot={bot}"),
    Probe("bots: filters of the list", "/bots/list/?_flt_2_name={mark}"),
    post("bots: edit by id", "/bots/edit/{bot}", name="PWNED", locale="en"),
    post("bots: own child under a foreign bot", OWN_EDIT, **paper(bot="{bot}")),
    post("bots: mass delete of chosen rows", "/bots/action_post", absent=True, action="muldelete", rowid=["{bot}"]),
    Probe("bots: delete by GET", "/bots/delete/{own_bot}", absent=True),
    post("bots: delete by id", "/bots/delete/{spare_bot}"),
)
"""Ways through the screens: with the rest they are 35 probes of one study and 22 of a second, on documents and bots."""


@dataclass(frozen=True)
class RestProbe:
    """One attack on Flask-AppBuilder's own REST, which must not be there, and the same on our management API."""

    name: str
    method: str
    fab: str
    path: str
    json: Any = None


DOC, BOT = "/api/v1/document/", "/api/v1/bot/"
TO, OURS = "/bots/{bot_id}", "/bots/{own_bot_id}"
REST = (
    RestProbe("list", "GET", DOC, OURS + "/documents"),
    RestProbe("get by id", "GET", DOC + "{document}", "/documents/{document}"),
    RestProbe("put by id", "PUT", DOC + "{document}", "/documents/{document}", {"title": "PWNED"}),
    RestProbe("delete by id", "DELETE", DOC + "{document}", "/documents/{document}"),
    RestProbe("_info: related values", "GET", DOC + "_info", "/documents/_info"),
    RestProbe("post with a foreign parent", "POST", DOC, TO + "/documents", {"id": "p", "text": "PLANTED"}),
    RestProbe("put with a foreign parent", "PUT", DOC + "{own_document}", "/documents/{own_document}", {"source": 1}),
    RestProbe("put with foreign labels", "PUT", "/api/v1/source/{own_source}", "/sources/{own_source}", {"bots": [1]}),
    RestProbe(
        "filter on a foreign parent",
        "GET",
        DOC + "?q=(filters:!((col:source,opr:rel_o_m,value:{source})))",
        OURS + "/documents?source={source}",
    ),
    RestProbe("post with a foreign tenant", "POST", BOT, "/bots", {"slug": "x{n}", "name": "PLANTED", "tenant": 1}),
    RestProbe("put with a foreign tenant", "PUT", BOT + "{own_bot}", OURS, {"tenant": 1}),
    RestProbe("_info: all tenants", "GET", BOT + "_info", "/bots/_info"),
    RestProbe("bots: list", "GET", BOT, "/bots"),
    RestProbe("bots: get by id", "GET", BOT + "{bot}", TO),
    RestProbe("bots: _info of a child", "GET", DOC + "_info?bot={bot}", TO + "/documents"),
    RestProbe("bots: filter probing", "GET", BOT + "?q=(filters:!((col:name,opr:sw,value:ACME)))", "/bots?name=ACME"),
    RestProbe("bots: order and columns", "GET", BOT + "?q=(columns:!(name,tenant_id))", "/bots?columns=tenant_id"),
    RestProbe("bots: patch by id", "PATCH", BOT + "{bot}", TO, {"name": "PWNED"}),
    RestProbe("bots: move an own bot", "PATCH", BOT + "{own_bot}", OURS, {"tenant_id": 1}),
    RestProbe("bots: post with a tenant_id", "POST", BOT, "/bots", {"slug": "y{n}", "name": "P", "tenant_id": 1}),
    RestProbe("bots: child under a foreign bot", "PUT", DOC + "{own_document}", TO + "/sources", {"bot": 1}),
    RestProbe("bots: delete by id", "DELETE", BOT + "{bot}", TO),
)
