"""Features of frames (ViT) and of sound (AST)."""
