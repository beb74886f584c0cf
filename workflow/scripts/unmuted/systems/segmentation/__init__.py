"""Audio-visual segmentation: a mask, for each second, of what sounds in the picture."""
