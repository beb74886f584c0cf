"""Scores matches with SoccerNet's own package, from folders as its `evaluate` wants them.

Run as a program in its own process, because importing the package changes how numpy warns:
`python soccernet_reference.py FOLDER KINDS_JSON`, with one numbered folder a world in FOLDER.

The golden values are made anew, in the folder `tests`, by
    pip install --no-deps --target /tmp/soccernet SoccerNet==0.2.0 tqdm
    PYTHONPATH=../workflow/scripts:.:/tmp/soccernet python -m systems.highlights.soccernet_reference
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from systems.highlights.worlds import METRICS, World, odd_worlds
from unmuted.dataset.soccernet_labels import labels_text
from unmuted.systems.highlights.predictions import predictions_text

GOLDEN = Path(__file__).with_name("golden_spotting.json")
FIELDS = {
    "a_mAP": "all",
    "a_mAP_per_class": "all by kind",
    "a_mAP_visible": "shown",
    "a_mAP_per_class_visible": "shown by kind",
    "a_mAP_unshown": "unshown",
    "a_mAP_per_class_unshown": "unshown by kind",
}


def write_world(world: World, folder: Path) -> None:
    for number, (events, spots) in enumerate(world.matches):
        game = f"league/season/game {number}"
        truth, predicted = folder / "truth" / game, folder / "predicted" / game
        truth.mkdir(parents=True)
        predicted.mkdir(parents=True)
        text = labels_text(events, game)
        (truth / "Labels-v2.json").write_text(text, encoding="utf-8")
        text = predictions_text(spots, game)
        (predicted / "results_spotting.json").write_text(text, encoding="utf-8")
    (folder / "kinds.json").write_text(json.dumps(world.kinds), encoding="utf-8")


def reference_scores(worlds: list[World]) -> list[dict[str, dict]]:
    """What the package gives for each world and metric, by the names of `FIELDS`."""
    with tempfile.TemporaryDirectory() as folder:
        for number, world in enumerate(worlds):
            write_world(world, Path(folder, str(number)))
        command = [sys.executable, "-m", "systems.highlights.soccernet_reference", folder]
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return json.loads(Path(folder, "scores.json").read_text(encoding="utf-8"))


def _score(folder: Path) -> dict[str, dict]:
    from SoccerNet.Evaluation.ActionSpotting import evaluate

    kinds = json.loads((folder / "kinds.json").read_text(encoding="utf-8"))
    scores = {}
    for metric in METRICS:
        given = evaluate(
            str(folder / "truth"),
            str(folder / "predicted"),
            metric=metric,
            dataset=None,
            EVENT_DICTIONARY={kind: index for index, kind in enumerate(kinds)},
        )
        found = {name: given[field] for field, name in FIELDS.items()}
        if metric in ("loose", "tight"):  # the others are not scaled
            found["unshown"] = found["unshown"] * 13 / 17
        scores[metric] = {
            name: [float(one) for one in value] if "by kind" in name else float(value)
            for name, value in found.items()
        }
    return scores


def _write_golden() -> None:
    worlds = odd_worlds()
    scores = dict(zip(worlds, reference_scores(list(worlds.values())), strict=True))
    made_by = "SoccerNet 0.2.0, as soccernet_reference.py says; unshown before its 17/13"
    rows = ",\n".join(f"  {json.dumps(name)}: {json.dumps(scores[name])}" for name in scores)
    content = f'{{\n "made_by": {json.dumps(made_by)},\n "scores": {{\n{rows}\n }}\n}}\n'
    GOLDEN.write_text(content, encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        folders = sorted(
            (path for path in Path(sys.argv[1]).iterdir() if path.is_dir()),
            key=lambda path: int(path.name),
        )
        scores = [_score(folder) for folder in folders]
        Path(sys.argv[1], "scores.json").write_text(json.dumps(scores), encoding="utf-8")
    else:
        _write_golden()
