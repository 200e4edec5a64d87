"""Migrations of the admin's tables, a branch of their own."""
