"""From pictures to words to AudioSet labels."""
