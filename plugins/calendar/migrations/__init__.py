"""The history of the tables of appointments."""
