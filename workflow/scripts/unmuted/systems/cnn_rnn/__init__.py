"""The CNN-RNN recogniser."""
