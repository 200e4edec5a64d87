"""The management API `/api/v1`: bearer keys, JSON, an OpenAPI document. Thin shells over core, one table of routes."""
