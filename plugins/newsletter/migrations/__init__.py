"""The history of the tables of newsletters."""
