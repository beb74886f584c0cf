"""The stages whose artifacts say what is seen in a clip."""

VISUAL = ("vit_rgb", "vit_flow", "caption_embeddings")
PILOT_VISUAL = ("cnn_rgb", "cnn_flow")
