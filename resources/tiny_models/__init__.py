"""The recipe of the tiny checkpoints: training data, three trainings, and a measurement."""
