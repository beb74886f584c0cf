"""How good the retrieved sounds of previews are, as the overview shows it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from unmuted.evaluation.significance import FEWEST_GROUPS
from unmuted.site.sections import Block, Cell, Table

QUALITY = "preview_quality.json"  # in the folder of results
NAMES = {
    "generated": "nearest to the generated features, as previews play it",
    "chance": "a random training sound of another source",
    "difference": "the first less the second",
    "real": "nearest to the clip's real features, for reference",
}
POINTS = ("difference",)  # whose unit are points, not percent


def retrieval_block(quality: Mapping[str, Any]) -> Block:
    """Return what previews play and how often it is heard as the clip's own sound.

    quality: the content of results/preview_quality.json.
    """
    has_interval = quality["test_groups"] >= FEWEST_GROUPS
    rows: list[list[Cell]] = []
    for key, name in NAMES.items():
        found = quality[key]
        if found is not None:
            ends = [100 * end for end in found["ci95"]] if has_interval else [None, None]
            unit = "points" if key in POINTS else "% of clips"
            rows.append([name, 100 * found["value"], *ends, unit])
    text = (
        "Generated features cannot be turned into sound. The preview on the page of a video plays "
        "the training sound of another source whose features are nearest: retrieved, not generated."
    )
    if not rows:
        return Block("A sound to hear", f"{text} No test clip has usable sound to measure it on.")
    if not has_interval:
        text = f"{text} A difference cannot be shown with {quality['test_groups']} groups."
    columns = ["retrieved sound", "heard as the clip's own", "from", "to", "unit"]
    caption = (
        "Share of test clips with usable sound in which AST gives the retrieved sound the label of "
        f"highest score of the clip's own ({quality['clips']} clips of {quality['test_groups']} "
        f"groups, {quality['library']['sounds']} training sounds), with 95 % intervals that do not "
        "cover the seeds of the generators"
    )
    table = Table(columns, rows, caption, "preview_quality")
    return Block("A sound to hear", text, tables=[table])
