"""The fits of segmentation, masks, scores, report and folder, on a tiny world of families."""

from __future__ import annotations

import pytest
import torch

import build_avs_bank
import find_avs_partners
import fit_avs_space
import make_splits
import predict_avs_masks
import score_avs
import select_avs
import train_avs
import train_avs_generator
from pipeline.test_segmentation import MODELS, SCRIPTS
from unmuted.engine.job import Job
from unmuted.engine.run import Run
from unmuted.pipeline.registry import REGISTRY, open_run

pytestmark = pytest.mark.engine

ARMS = ["real_audio", "video_only", "shuffled_audio", "generated_audio", "told_class"]
ABLATIONS = ["encoder_trained", "separate_crop_network", "boxes_as_masks"]
CONFIG = {
    "videos": {
        "source": "demo",
        "demo": {
            "kind": "segmentation",
            "families": {"pictures": 12, "val": 2, "test": 2, "extra": 2},
        },
    },
    "clips": {"seconds": 2, "fps": 4},
    "avs": {
        "short_side": 36,
        "arms": [*ARMS, *ABLATIONS],
        "conditions": ["own", "silence", "noise", "swapped", "mean", "knn", "generated"],
        "training": {"epochs": 2, "snapshots": 2, "batch_size": 4, "seconds": 2},
        "network": {"width": 8},
        "neighbours": 2,
    },
    "models": {**MODELS, "avs_backbone": MODELS["step_backbone"]},
    "video_generator": {"steps": 10, "validate_every": 5, "hidden": 8, "bottleneck": 4},
    "audio_dim": 8,
    "folds": 2,
    "seeds": [0, 1],
    "bootstrap": {"resamples": 200},
}
FITS = (
    (fit_avs_space, "avs_space"),
    (build_avs_bank, "avs_bank"),
    (train_avs_generator, "avs_generator"),
    (train_avs, "avs"),
    (select_avs, "avs_selection"),
    (find_avs_partners, "avs_partners"),
)


def run_stages(config: dict) -> Run:
    run = open_run(config)
    run.check()
    run.record()
    planned = Run.of_job(run.config, REGISTRY)
    make_splits.main(run, "results/splits.csv")
    for script, name in SCRIPTS:
        for shard in run.dataset.shards:
            script.main(Job(planned, run.stages[name], shard))
    return planned


def fit_stages(run: Run) -> None:
    for script, name in FITS:
        stage = run.stages[name]
        partitions = run.layout.seed_partitions if stage.by_seed else [None]
        for partition in partitions:
            script.main(Job(run, stage, partition))
    for script, name in ((predict_avs_masks, "avs_masks"), (score_avs, "avs_scores")):
        for shard in run.dataset.shards:
            script.main(Job(run, run.stages[name], shard))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Run:
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("networks")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        run = run_stages(CONFIG)
        fit_stages(run)
        yield run


def test_everything_is_made(world: Run) -> None:
    videos = world.dataset.videos
    masks = world.store.artifacts("avs_masks", videos)
    assert set(masks) == set(videos)
    scores = world.store.artifacts("avs_scores", videos)
    splits = world.store.read_splits()
    assert set(scores) == {name for name in videos if splits[name] == "test"}
