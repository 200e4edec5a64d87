"""The meaning of the platform: tenants, sources, retrieval and the chat turn. No Flask, no vendor, no plugin."""
