"""The configuration: validated, with all defaults."""
