"""Metrics, intervals, tests, tables and figures."""
