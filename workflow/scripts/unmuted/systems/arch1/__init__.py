"""Architecture 1: audio from video alone, and the Feature Filter."""
