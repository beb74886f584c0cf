"""The engine: plans, runs and reuses the stages of a registry. It knows no system and no medium."""
