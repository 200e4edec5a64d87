"""The built-in plugins, one folder each. Each imports `webchatagent.core.api` and nothing else of the platform."""
