"""How good the retrieved sounds of previews are, as the overview shows it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from unmuted.site.sections import Block, Cell, Table

QUALITY = "preview_quality.json"  # in the folder of results
NAMES = {
    "generated": "nearest to the generated features, as previews play it",
    "chance": "a random training sound of another source",
    "difference": "difference of these two",
    "real": "nearest to the clip's real features",
}


def retrieval_block(quality: Mapping[str, Any]) -> Block:
    """Return what previews play and how often it is heard as the clip's own sound.

    quality: the content of results/preview_quality.json.
    """
    rows: list[list[Cell]] = [
        [name, *(100 * value for value in (found["value"], *found["ci95"]))]
        for key, name in NAMES.items()
        if (found := quality[key]) is not None
    ]
    text = (
        "Generated features cannot be turned into sound. The preview on the page of a video plays "
        "the training sound of another source whose features are nearest: retrieved, not generated."
    )
    if not rows:
        return Block("A sound to hear", f"{text} No test clip has usable sound to measure it on.")
    columns = ["retrieved sound", "heard as the clip's own in % of clips", "from %", "to %"]
    caption = (
        "Share of test clips with usable sound in which AST gives the retrieved sound the label of "
        f"highest score of the clip's own ({quality['clips']} clips, "
        f"{quality['library']['sounds']} training sounds), with 95 % intervals"
    )
    table = Table(columns, rows, caption, "preview_quality")
    return Block("A sound to hear", text, tables=[table])
