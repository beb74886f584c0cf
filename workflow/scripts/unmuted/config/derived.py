"""Values that several settings determine together, and on which stages rely.

The rest of this package declares and checks settings, and is the code of no stage. This module is
part of the code of the stages that use it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def time_steps(config: Mapping[str, Any]) -> int:
    """Return T, the number of time steps of every clip: fps x seconds, at least 1."""
    return max(1, round(config["clips"]["fps"] * config["clips"]["seconds"]))


def trains_sentences(config: Mapping[str, Any]) -> bool:
    """Return whether the sentence encoder is trained with the generator, on captions."""
    return config["generator"]["text_adapter"] == "full"
