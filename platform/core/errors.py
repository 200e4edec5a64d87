"""One error shape: a code for programs, a sentence for people, and what to do about it."""

from __future__ import annotations

from typing import TypeVar

Kind = TypeVar("Kind", bound=BaseException)


def cause_of(error: BaseException, kind: type[Kind]) -> Kind | None:
    """The first error of a kind among an error and its causes; libraries wrap what they did not expect."""
    found: BaseException | None = error
    seen = 0
    while found is not None and seen < 20:
        if isinstance(found, kind):
            return found
        found, seen = found.__cause__ or found.__context__, seen + 1
    return None


class WebChatAgentError(Exception):
    """An error that may be shown: `code` is snake_case, `message` a sentence, `cure` what helps.

    `status` is the HTTP status it becomes; `field` names the input that is wrong; `retry_after` is in seconds.
    """

    status = 400
    code = "error"

    def __init__(
        self,
        message: str,
        cure: str = "",
        *,
        code: str | None = None,
        status: int | None = None,
        field: str | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(message)
        self.message, self.cure, self.field, self.retry_after = message, cure, field, retry_after
        self.code = code or type(self).code
        self.status = status or type(self).status

    def __str__(self) -> str:
        return f"{self.message} ({self.cure})" if self.cure else self.message

    def as_json(self) -> dict[str, dict[str, str]]:
        """The body of an error response: `{"error": {"code", "message", "field"?}}`."""
        body = {"code": self.code, "message": self.message}
        if self.field:
            body["field"] = self.field
        return {"error": body}


class InvalidRequest(WebChatAgentError):
    """The input is wrong; `field` says which."""

    status, code = 422, "invalid_request"


class NotFound(WebChatAgentError):
    """There is no such thing for this caller; also said of what belongs to another tenant."""

    status, code = 404, "not_found"


class Forbidden(WebChatAgentError):
    """The caller may not do this."""

    status, code = 403, "forbidden"


class Conflict(WebChatAgentError):
    """The thing exists already, or was changed meanwhile."""

    status, code = 409, "conflict"


class Unavailable(WebChatAgentError):
    """A part that is needed does not answer; trying again helps."""

    status, code = 503, "try_again"


class IndexUnavailable(Unavailable):
    """The index does not answer. A job that meets it waits, and counts no attempt: the index comes back."""


class DocumentProblem(WebChatAgentError):
    """A document cannot be made searchable; `state` is the document state it ends in (see `documents.STATES`)."""

    status, code = 422, "document_problem"

    def __init__(self, state: str, message: str, cure: str = "") -> None:
        super().__init__(message, cure, code=f"document_{state}")
        self.state = state

    def __reduce__(self) -> tuple[type[DocumentProblem], tuple[str, str, str]]:
        return DocumentProblem, (self.state, self.message, self.cure)
