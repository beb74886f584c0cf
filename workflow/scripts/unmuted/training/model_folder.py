"""Folders of trained networks that other runs use: a configuration beside the weights."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unmuted.errors import UserError
from unmuted.text import one_line, printable

if TYPE_CHECKING:  # the Snakefile reads configurations
    import numpy as np

LARGEST_CONFIG = 1 << 20  # bytes


def read_folder_config(
    path: Path,
    keys: Sequence[str],
    version: int,
    check: Callable[[dict[str, Any]], None],
    setting: str,
    content: str,
) -> dict[str, Any]:
    """Read the configuration of such a folder.

    keys: that it must have. version: its `format`. check: raises ValueError for values that are
    wrong. setting, content: name, in messages, the setting that leads here and what is expected.
    Raises UserError for a file that cannot be read or is something else.
    """
    try:
        if path.stat().st_size > LARGEST_CONFIG:
            raise ValueError(f"larger than {LARGEST_CONFIG} bytes")
        config = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(config, dict):
            raise ValueError(f"expected an object, found {type(config).__name__}")
        if missing := [key for key in keys if key not in config]:
            raise ValueError(f"the keys {', '.join(missing)} are missing")
        if config["format"] != version:
            raise ValueError(
                f"format {config['format']!r}, expected {version}: let the run that trained it "
                "write the folder again"
            )
        check(config)
    except (OSError, ValueError) as error:
        raise UserError(
            f"{setting}: {printable(path)} is no configuration of {content}: {one_line(str(error))}"
        ) from error
    return config


def arrays_under(arrays: Mapping[str, np.ndarray], prefix: str) -> dict[str, np.ndarray]:
    """Return the arrays whose names begin with a prefix, without it."""
    return {
        name.removeprefix(prefix): array
        for name, array in arrays.items()
        if name.startswith(prefix)
    }
