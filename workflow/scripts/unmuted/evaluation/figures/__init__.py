"""Figures of a report: each function takes plain data and returns a matplotlib Figure."""
