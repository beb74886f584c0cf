"""The systems, one package each, and what they share."""
