"""Working directories of small runs of segmentation: the world of families as a user's files."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
from PIL import Image

from runs.corpus import REPOSITORY, Corpus
from unmuted.demo_world.families.files import write_family_clip
from unmuted.demo_world.families.plan import FamilyClipSpec, plan_families
from unmuted.demo_world.families.truth import family_truth

PICTURES, SECONDS, SEED = 14, 2, 119  # so that every class is in training
REPORT, MODEL = "results/avs_metrics.json", "results/avs_model"
FITS = ("avs_space", "avs_bank", "avs_generator", "avs", "avs_selection", "avs_partners")
PER_VIDEO = (
    *("probe", "wav", "avs_frames", "avs_audio", "avs_truth", "avs_masks", "avs_scores"),
    *("avs_overlays", "avs_mask_files", "avs_tables"),
)
SHOWN = ("sounding.mp4", "masks.zip", "sounding.csv")
ARMS = ("real_audio", "video_only")
SMALL_FAMILIES = {
    "videos": {"source": "manifest", "manifest": "manifest.csv"},
    "videos_per_shard": 64,
    "seeds": [0, 1],
    "seeds_per_job": None,
    "folds": 2,
    "avs": {
        "short_side": 36,
        "arms": list(ARMS),
        "network": {"width": 8},
        "training": {"epochs": 2, "snapshots": 2, "batch_size": 4, "seconds": 2},
        "neighbours": 2,
    },
    "audio_dim": 8,
    "video_generator": {"steps": 4, "validate_every": 2},
    "bootstrap": {"resamples": 200},
}


def planned() -> list[FamilyClipSpec]:
    """The clips of the small world."""
    return plan_families(PICTURES, {"val": 2, "test": 3}, 2, SEED, SECONDS)


def write_files(folder: Path, spec: FamilyClipSpec) -> None:
    """Write the video of a clip, and its masks."""
    write_family_clip(spec, folder / "videos" / f"{spec.video_id}.mp4")
    masks = folder / "masks" / spec.video_id
    masks.mkdir(parents=True, exist_ok=True)
    times = [second + 0.5 for second in range(SECONDS)]
    for second, mask in enumerate(family_truth(spec, times).masks):
        Image.fromarray(mask.astype(np.uint8) * 255).save(masks / f"{second}.png")


def make_families(folder: Path) -> Corpus:
    """Draw the small world as videos and masks with a manifest; nothing has run."""
    (folder / "videos").mkdir(parents=True)
    rows = []
    for spec in planned():
        write_files(folder, spec)
        rows.append(
            {
                "path": f"videos/{spec.video_id}.mp4",
                "masks": f"masks/{spec.video_id}",
                "video_id": spec.video_id,
                "label": spec.label,
                "split": spec.split,
                "group": spec.group,
                "kind": spec.kind,
            }
        )
    shutil.copy(REPOSITORY / "config" / "avs_demo.yaml", folder / "config.yaml")
    corpus = Corpus(folder)
    corpus.write_manifest(rows)
    corpus.change_config(**SMALL_FAMILIES)
    return corpus
