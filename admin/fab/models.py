"""The people who log in: Flask-AppBuilder's user with what this platform adds."""

from __future__ import annotations

from datetime import datetime

from flask_appbuilder import Model
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import Boolean, DateTime, ForeignKey, Integer, String, Text, UniqueConstraint
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


class ExternalLogin(Model):  # type: ignore[misc]
    """That a person signs in at another company too: `provider` is the method, `subject` theirs at `issuer`.

    Of the person only name, address and picture (its address, when the plugin says so) are kept, and no token.
    """

    __tablename__ = "external_login"
    __table_args__ = (
        UniqueConstraint("provider", "issuer", "subject", name="uq_external_login_subject"),
        UniqueConstraint("user_id", "provider", name="uq_external_login_user_id"),
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    user_id: Mapped[int] = mapped_column(
        ForeignKey("ab_user.id", name="fk_external_login_user_id", ondelete="CASCADE"), nullable=False
    )
    provider: Mapped[str] = mapped_column(String(100), nullable=False)
    issuer: Mapped[str] = mapped_column(String(255), nullable=False)
    subject: Mapped[str] = mapped_column(String(255), nullable=False)
    email: Mapped[str] = mapped_column(String(128), default="", server_default="", nullable=False)
    name: Mapped[str] = mapped_column(String(128), default="", server_default="", nullable=False)
    picture: Mapped[str] = mapped_column(String(500), default="", server_default="", nullable=False)
    created_at: Mapped[datetime] = mapped_column(DateTime, nullable=False)
