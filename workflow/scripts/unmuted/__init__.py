"""unmuted: missing audio features from silent video, and an honest measure of whether they help."""

__version__ = "0.1.0"
