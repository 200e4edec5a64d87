"""Implementations of the protocols of core: where chunks and files are kept."""
