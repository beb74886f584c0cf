"""Architecture 2: audio from captions, labels and video."""
