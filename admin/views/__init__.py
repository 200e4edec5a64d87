"""One file per noun: declarative views."""
