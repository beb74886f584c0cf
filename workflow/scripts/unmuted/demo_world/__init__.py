"""The demo's world: clips rendered and synthesised together, so that their truth is known."""
