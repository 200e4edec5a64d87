"""The sources of a bot: adding files and websites, and watching them become searchable."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from flask import abort, flash, jsonify, redirect, render_template, request, url_for
from flask_babel import gettext, ngettext
from flask_babel import lazy_gettext as _
from sqlalchemy import select

from webchatagent.core import sources
from webchatagent.core.db.sources import Document, Source
from webchatagent.core.db.tenants import Bot
from webchatagent.core.discarded import discard_source
from webchatagent.core.document_list import GROUPS, page_documents
from webchatagent.core.errors import InvalidRequest, NotFound, WebChatAgentError
from webchatagent.core.spaces import embedding_model
from webchatagent.core.tenants import Tenant

from ..fab.session import tenant
from ..fab.views import Page, page
from ..messages import explain
from ..paging import Pager, asked_number
from ..roles import rights
from ..states import explain_document, state_label

SIZE = 50


class SourcesPage(Page):
    """One page: add above, see below."""

    route_base = "/sources"
    label, icon = _("Sources"), "files"
    rights = rights(write=("owner", "editor", "operator"))

    @page("/<int:bot_id>/")
    def list(self, bot_id: int) -> str:
        """The whole page."""
        here = tenant()
        return self.show_page("wca/sources.html", **self._values(here, find_bot(here, bot_id)))

    @page("/<int:bot_id>/state")
    def state(self, bot_id: int) -> Any:
        """What may have changed on the page, in pieces that a script puts in their place."""
        here = tenant()
        values = self._values(here, find_bot(here, bot_id))
        html = {
            name: render_template(f"wca/sources_{name}.html", view=self, **values)
            for name in ("filters", "cards", "pager")
        }
        rows = [
            {"id": d.id, "html": render_template("wca/sources_row.html", view=self, d=d, **values)}
            for d in values["found"].documents
        ]
        return jsonify({"busy": values["found"].busy, "rows": rows, **html})

    def _values(self, here: Tenant, bot: Bot) -> dict[str, Any]:
        group = request.args.get("show", "all")
        group = group if group in GROUPS else "all"
        number = Pager.number()
        search = request.args.get("q", "").strip()[:100]
        found = page_documents(
            here,
            bot.id,
            group=group,
            source_id=asked_number("source"),
            search=search,
            page=number,
            size=SIZE,
        )
        pager = Pager(number, SIZE, found.total)
        return {
            "bot": bot,
            "found": found,
            "group": group,
            "search": search,
            "pager": pager,
            "may_write": self.may("edit"),
            "by_meaning": embedding_model(here) is not None,
            "state_label": state_label,
            "explain_document": explain_document,
            "max_bytes": sources.MAX_BYTES,
            "is_website": is_website,
        }

    @page("/<int:bot_id>/upload", needs="add", methods=("POST",))
    def upload(self, bot_id: int) -> Any:
        """One file, by a script. The name may hold the folder it came from."""
        here = tenant()
        bot = find_bot(here, bot_id)
        sent = request.files.get("file")
        name = sources.clean_name(request.form.get("name") or (sent.filename if sent else "") or "")
        if sent is None or not name:
            raise InvalidRequest("No file came.", "choose one", field="file")
        added = sources.upload_file(here, bot.id, name, sent.read())
        return jsonify({"documents": len(added.documents), "unchanged": added.unchanged})

    @page("/<int:bot_id>/website", needs="add", methods=("POST",))
    def website(self, bot_id: int) -> Any:
        """Add a website. Only web addresses: other targets would read the files of this server."""
        here = tenant()
        bot = find_bot(here, bot_id)
        try:
            sources.add_address(here, bot.id, web_address(request.form.get("url", "")))
        except WebChatAgentError as error:
            flash(explain(nothing_reads(error)), "danger")
        else:
            flash(gettext("The website is being read. Its pages appear below."), "success")
        return self._back(bot_id)

    @page("/<int:bot_id>/documents", needs="edit", methods=("POST",))
    def documents(self, bot_id: int) -> Any:
        """Retry or delete the chosen documents of this bot."""
        here = tenant()
        find_bot(here, bot_id)
        asked = [int(i) for i in request.form.getlist("id")[:2000] if i.isdigit() and len(i) < 10]
        with here.read() as db:
            ids = [*db.scalars(select(Document.id).where(Document.id.in_(asked), Document.bot_id == bot_id))]
        if request.form.get("do") == "delete":
            if ids:
                sources.delete_documents(here, ids)
            flash(ngettext("%(num)d document deleted.", "%(num)d documents deleted.", len(ids)), "success")
        else:
            again = sources.retry_documents(here, ids)
            flash(
                ngettext("%(num)d document is being read again.", "%(num)d documents are being read again.", again),
                "success",
            )
        return self._back(bot_id)

    @page("/<int:bot_id>/source/<int:source_id>", needs="edit", methods=("POST",))
    def source(self, bot_id: int, source_id: int) -> Any:
        """Delete a source, or read a website anew."""
        here = tenant()
        target = find_source(here, bot_id, source_id).target
        try:
            if request.form.get("do") == "delete":
                discard_source(here, source_id)
                flash(
                    gettext("The source is deleted. For seven days it can be brought back, under Recently deleted."),
                    "success",
                )
            elif is_website(target):
                sources.request_sync(here, source_id, local=False)
                flash(gettext("The website is being read again."), "success")
            else:
                abort(404)
        except WebChatAgentError as error:
            flash(explain(nothing_reads(error)), "danger")
        return self._back(bot_id)

    @staticmethod
    def _back(bot_id: int) -> Any:
        return redirect(url_for("SourcesPage.list", bot_id=bot_id))


def find_bot(here: Tenant, bot_id: int) -> Bot:
    """A bot of this tenant. Raises NotFound."""
    with here.read() as db:
        row: Bot | None = db.get(Bot, bot_id)
    if row is None:
        raise NotFound("There is no such bot.", code="bot_not_found")
    return row


def find_source(here: Tenant, bot_id: int, source_id: int) -> Source:
    """A source of this bot. Raises NotFound."""
    with here.read() as db:
        row = db.scalar(select(Source).where(Source.id == source_id, Source.bot_id == bot_id))
    if row is None:
        raise NotFound("There is no such source.", code="source_not_found")
    return row


def is_website(target: str) -> bool:
    """Whether a source is read over the web, so that reading it anew makes sense."""
    return target.startswith(("http://", "https://"))


def web_address(text: str) -> str:
    """A typed address with its scheme. Raises InvalidRequest for anything that is not http or https."""
    text = text.strip()
    text = text if "://" in text else f"https://{text}"
    try:
        parts = urlsplit(text)
        host = parts.hostname or ""
    except ValueError:
        host = ""
    if (
        not host
        or not is_website(text.lower())
        or any(c.isspace() or ord(c) < 32 for c in text)
        or len(text) > 2000
        or parts.username
        or parts.password
        or not ("." in host or ":" in host or host == "localhost")
    ):
        raise InvalidRequest("This is not a web address.", code="address_wrong", field="url")
    return text


def nothing_reads(error: WebChatAgentError) -> WebChatAgentError:
    """Core's refusal of a target or a kind, with a code that has a sentence here."""
    if error.field in ("target", "kind"):
        return InvalidRequest(error.message, error.cure, code="nothing_reads", field="url")
    return error
