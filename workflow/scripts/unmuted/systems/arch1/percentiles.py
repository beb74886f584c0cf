"""The candidate percentiles of the Feature Filter; one is chosen on validation clips.

Imported by the planner, so free of numpy and torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def filter_percentiles(settings: Mapping[str, Any]) -> tuple[float, ...]:
    """Return the candidates, rising; under the mode `uniform` a single one without meaning."""
    return (0,) if settings["mode"] == "uniform" else tuple(sorted(settings["percentiles"]))
