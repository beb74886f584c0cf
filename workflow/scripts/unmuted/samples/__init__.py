"""The samples of an experiment: usable clips, source groups, folds, and which audio is missing."""
