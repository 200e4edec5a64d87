"""The people who log in: Flask-AppBuilder's user with what this platform adds."""

from __future__ import annotations

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import Boolean, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column


class AdminUser(User):  # type: ignore[misc]
    """A person. `session_epoch` goes up when every session of theirs must end: log-out, new password, removal.

    `is_operator` marks the people who run the installation; all other rights come from memberships. `locale` is the
    language the person chose, or empty. `totp` is the sealed secret of the second factor, `totp_used` the last step of
    time that was used, `recovery` the hashes of the spare codes.
    """

    __tablename__ = "ab_user"

    session_epoch: Mapped[int] = mapped_column(Integer, default=1, server_default="1", nullable=False)
    is_operator: Mapped[bool] = mapped_column(Boolean, default=False, server_default="0", nullable=False)
    locale: Mapped[str] = mapped_column(String(8), default="", server_default="", nullable=False)
    totp: Mapped[str] = mapped_column(String(200), default="", server_default="", nullable=False)
    totp_used: Mapped[int] = mapped_column(Integer, default=0, server_default="0", nullable=False)
    recovery: Mapped[str] = mapped_column(Text, default="", server_default="", nullable=False)
