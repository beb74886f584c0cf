"""Groups of configuration keys that stages declare."""

from __future__ import annotations

from collections.abc import Collection

from unmuted.config.features import AstSettings, VitSettings
from unmuted.config.fields import Section
from unmuted.config.media import ClipSettings


def keys_of(name: str, section: type[Section], but: Collection[str] = ()) -> tuple[str, ...]:
    """Return the dotted keys of the fields of a section, except those in `but`."""
    return tuple(f"{name}.{key}" for key in section.model_fields if key not in but)


TIME = keys_of("clips", ClipSettings)
LIMITS = (
    "videos.max_seconds",
    "videos.min_seconds",
    "videos.max_megapixels",
    "videos.max_gigabytes",
    "videos.follow_links",
)
WORLD = ("videos.source", "videos.demo", "clips.seconds")  # what the built-in world is planned from
WORLDS = (*WORLD, "matches.demo")  # and the built-in matches
VIT = keys_of("vit", VitSettings)
AST = keys_of("ast", AstSettings)
SERVE = "generator.serve"  # of all generators
# What decides which audio fits may read.
TRAINING_AUDIO = ("missing.training_rate", "missing.seed", "fits.unlabelled")
