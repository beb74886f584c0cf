"""What the jobs of media and features compute, one module a stage."""
