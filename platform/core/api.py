"""The only module of the platform that a plugin imports."""
from __future__ import annotations

from .analysis import detect_language, stems, trigrams, words
from .documents import Blob, Connector, ExtractedText, Failed, Finding, FoundDocument, SourceSpec, Unchanged
from .errors import DocumentProblem, InvalidRequest, NotFound, Unavailable, WebChatAgentError
from .hookspecs import hookimpl
from .models import (
    CannotAnswer,
    ChatModel,
    EmbeddingModel,
    EmbeddingSpace,
    MaskedPassage,
    ModelEvent,
    ModelInfo,
    ModelRequest,
    TextDelta,
    TokenUsage,
    Vectors,
)
from .privacy import Disclosure, ErasureReport, ExportPart, Subject
from .tenants import Health, HealthCheck, Problem, Tenant
from .vault import Masked

__all__ = [
    "Blob", "CannotAnswer", "ChatModel", "Connector", "Disclosure", "DocumentProblem", "EmbeddingModel",
    "EmbeddingSpace", "ErasureReport", "ExportPart", "ExtractedText", "Failed", "Finding", "FoundDocument", "Health",
    "HealthCheck", "InvalidRequest", "Masked", "MaskedPassage", "ModelEvent", "ModelInfo", "ModelRequest", "NotFound",
    "Problem", "SourceSpec", "Subject", "Tenant", "TextDelta", "TokenUsage", "Unavailable", "Unchanged", "Vectors",
    "WebChatAgentError", "detect_language", "hookimpl", "stems", "trigrams", "words",
]
