"""What several settings say together, and stages rely on.

Apart from `unmuted.config.validation`, which is the code of no stage: what stands here is part of
what artifacts are made from.
"""

from __future__ import annotations

from collections.abc import Mapping


def time_steps(config: Mapping[str, object]) -> int:
    """T: time steps of every clip, fps x seconds, at least 1."""
    return max(1, round(config["clips"]["fps"] * config["clips"]["seconds"]))


def trains_sentences(config: Mapping[str, object]) -> bool:
    """Whether the sentence encoder is trained with the generator, which then reads captions."""
    return config["generator"]["text_adapter"] == "full"
