"""The computations of the stages of media and features, one module per stage."""
