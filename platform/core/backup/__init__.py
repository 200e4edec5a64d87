"""Backup and restore of an installation, or of one tenant, from any database into any other."""
