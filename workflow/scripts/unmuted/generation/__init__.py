"""From video features and captions to audio features: projection, prototypes, generator."""
