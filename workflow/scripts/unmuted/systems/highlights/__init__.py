"""Match highlights: spotting of events in match recordings, and reels of them."""
