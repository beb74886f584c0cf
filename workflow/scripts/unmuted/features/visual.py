"""The stages whose artifacts describe the pictures of a clip."""

VISUAL = ("vit_rgb", "vit_flow", "caption_embeddings")
PILOT_VISUAL = ("cnn_rgb", "cnn_flow")
