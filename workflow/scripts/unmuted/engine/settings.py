"""Values of a configuration by dotted key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def setting(config: Mapping[str, Any], dotted: str) -> Any:
    """Return the value of a key such as "section.key"; None where its section does not have it.

    config: complete, so that only keys without default can be absent. A registry refuses stages
    that declare keys which do not exist (`Registry.has_setting`).

    Raises:
        KeyError: there is no such section.
    """
    *sections, key = dotted.split(".")
    place: Mapping[str, Any] = config
    for section in sections:
        place = place[section]
    return place.get(key)
