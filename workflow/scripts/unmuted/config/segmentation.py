"""The section `avs`: what audio-visual segmentation reads of each second, and what a mask means."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from unmuted.config.fields import Section, Share


class AvsSettings(Section):
    """Audio-visual segmentation: masks of what sounds, one for every second of a video."""

    short_side: int = Field(
        224, ge=32, le=1_080, description="pixels of the short side of the pictures, unpadded"
    )
    resize: Literal["keep", "squash"] = Field(
        "keep",
        description="keep: the picture's aspect; squash: a square of short_side, as in the paper",
    )
    frame_at: Share = Field(
        0.5,
        description="where in its second a picture is taken; AVSBench's masks are of 0.9375",
    )
    window_s: Annotated[int, Field(ge=1, le=10)] = Field(
        5, description="seconds that the network, and AST, see at once"
    )
    foreground: Literal["one", "nonzero"] = Field(
        "one",
        description="which pixels of a mask sound. one: of a mask with one kind of foreground; "
        "masks of several colours are refused. nonzero: whatever is not black",
    )
    mask_aspect: Literal["same", "squashed"] = Field(
        "same",
        description="same: masks of another aspect than their video are refused; squashed: they "
        "are stretched over the picture, as AVSBench's must be",
    )
