"""Code of several systems: projection, generator data and training, cross-fitting, retrieval."""
