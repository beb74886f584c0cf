"""Pictures of two acting objects, each with several soundtracks: what sounds cannot be seen."""
