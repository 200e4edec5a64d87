"""The history of the tables of leads."""
