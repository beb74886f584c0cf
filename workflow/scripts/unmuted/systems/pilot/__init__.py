"""The pilot: one LSTM for class and sound."""
