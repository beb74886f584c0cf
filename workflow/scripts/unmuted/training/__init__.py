"""What every fitted model shares: order of clips, standardisation, training loop, saved state."""
