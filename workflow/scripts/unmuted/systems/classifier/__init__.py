"""The action classifier of every arm."""
