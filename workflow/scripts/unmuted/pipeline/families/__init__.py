"""The families of stages that no system owns, one a module."""
