"""Faults of machines and hostile files, injected by the hundred: what a run promises then holds.

`make faults` runs all campaigns and prints their figures; `test_faults.py` runs a small share.
"""
