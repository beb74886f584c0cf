"""A page for each video: what every stage made of it, and a sound to hear."""
