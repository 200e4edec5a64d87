"""The second step of the log-in, for those who chose it."""

from __future__ import annotations

import time
from typing import Any

from flask import flash, redirect, request, session, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _

from ..fab.security import account_limits, find_person, safe_target, start_session
from ..fab.session import platform, release
from ..fab.views import Page, expose
from ..forms import CodeForm
from ..totp import verify


class SecondStepPage(Page):
    """Open for five minutes after the password was right; few attempts, since a code has six digits only."""

    route_base = "/second-step"
    default_view = "show"
    label = _("Second step")
    limits = account_limits("10 per 15 minute")

    @expose("/", methods=("GET", "POST"))
    def show(self) -> Any:
        """The code, and what it opens."""
        user_id, epoch, until = session.get("half") or (0, 0, 0)
        if until < time.time():
            return redirect(url_for("LoginView.login"))
        form = CodeForm()
        release()
        if form.validate_on_submit():
            user = find_person(user_id)
            sound = user is not None and user.active and user.session_epoch == epoch
            if user is not None and sound and verify(platform(), user_id, form.code.data):
                start_session(user)
                return redirect(safe_target(request.args.get("next", "")))
            flash(gettext("This code is not right, or was used already."), "danger")
        return self.show_page("wca/code.html", form=form)
