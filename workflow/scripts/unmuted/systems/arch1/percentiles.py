"""The percentiles of the Feature Filter, of which validation clips choose one.

Imported by the planner, so free of numpy and torch.
"""

from __future__ import annotations

from collections.abc import Mapping


def filter_percentiles(settings: Mapping[str, object]) -> tuple[float, ...]:
    """Candidates of the Feature Filter, rising; one that means nothing under its mode `uniform`."""
    return (0,) if settings["mode"] == "uniform" else tuple(sorted(settings["percentiles"]))
