"""The comparison of all arms on the same clips."""
