"""The action classifier of every arm, and the choice of its checkpoint on validation clips."""
