"""The kind of source `help_center`: every published article is a document."""

from collections.abc import Iterator

from webchatagent.core.api import Connector, Finding, FoundDocument, SourceSpec, Tenant

from .client import call
from .config import Config

TARGET = "help-center:articles"


def connector(tenant: Tenant) -> Connector:
    """The connector for one tenant."""

    def find(spec: SourceSpec) -> Iterator[Finding]:
        config = tenant.config(Config)
        for article in call(config, "GET", "/api/articles"):
            text = f"# {article['title']}\n\n{article['text']}"
            if config.show_authors and article.get("author"):
                text += f"\n\n{article['author']}"
            yield FoundDocument(str(article["id"]), title=article["title"], url=article.get("url", ""), text=text)

    return Connector("help_center", lambda target: target == TARGET, find)
