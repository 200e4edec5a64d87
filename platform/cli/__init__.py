"""The `webchatagent` command line."""
