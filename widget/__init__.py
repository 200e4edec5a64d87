"""The chat widget for web pages: built files that the web app serves under /widget/v1/."""

from pathlib import Path


def asset_path() -> Path:
    """Return the folder with the built files; `manifest.json` in it names them."""
    return Path(__file__).resolve().parent / "dist"
