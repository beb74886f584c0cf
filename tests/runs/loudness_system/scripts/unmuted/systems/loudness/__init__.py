"""A system for a test: the class of a clip by its loudness alone."""
