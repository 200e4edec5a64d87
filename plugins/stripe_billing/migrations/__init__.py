"""The history of the tables of plans."""
