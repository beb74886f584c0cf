"""How the pretrained models are run."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from unmuted.config.fields import AutoBatchSize, Section

LABELS = 527  # of AudioSet


class VitSettings(Section):
    """ViT on frames and flow."""

    batch_size: AutoBatchSize = Field(
        "auto",
        description="images that ViT sees at once, always filled up to this number, halved where a "
        "GPU has no room for it; auto: 8 on a CPU, 64 on a GPU",
    )


class AstSettings(Section):
    """AST on sound."""

    passes: Literal["clip", "per_step"] = Field(
        "clip",
        description="clip: the whole clip at once, pooled over the frames that hold sound. "
        "per_step: each time step alone, padded to the model's window, as in the source document; "
        "nearly all that is pooled is padding",
    )
    batch_size: AutoBatchSize = Field(
        "auto",
        description="windows of sound that AST gets at once, always filled up to this number, "
        "halved where a GPU has no room for it; auto: 2 on a CPU, 32 on a GPU",
    )


class CnnSettings(Section):
    """The CNNs of the pilot and of the CNN-RNN."""

    batch_size: AutoBatchSize = Field(
        "auto",
        description="images that the CNNs see at once, always filled up to "
        "this number, halved where a GPU has no room for it; auto: 8 on a CPU, 64 on a GPU",
    )


class CaptionSettings(Section):
    """BLIP's captions of representative frames."""

    max_new_tokens: int = Field(20, ge=1, le=500, description="tokens of the longest caption")
    num_beams: int = Field(1, ge=1, le=100, description="beams of the search; 1: greedy")
    batch_size: AutoBatchSize = Field(
        "auto",
        description="images that BLIP sees at once, always filled up to this number, halved where "
        "a GPU has no room for it; auto: 8 on a CPU, 64 on a GPU",
    )


class MappingSettings(Section):
    """From captions to AudioSet's labels."""

    k: int = Field(3, ge=1, le=LABELS, description="AudioSet labels that a caption is mapped to")
