"""The embeddable chat widget."""
