"""A generated world of soccer matches: recordings of halves with picture, sound and labels."""
