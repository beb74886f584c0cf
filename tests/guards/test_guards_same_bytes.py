"""The same clips and seed give the same bytes, whatever the clips are called."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from guards.checks import CHOICES, FEATURES, FITS, assert_same
from guards.corpus import AUDIO_DIM, VIEW_DIM, other_name
from guards.world import STAGES_RUN, World
from small_project import changed
from unmuted.evaluation.arms import COMPARISON_ARMS
from unmuted.samples.experiment import Experiment
from unmuted.systems.comparison.chosen_arms import base_of

OF_VIDEOS = (*FEATURES, "predictions")


def of_videos(world: World, stage: str) -> dict[str, str]:
    return {name: artifact.row.digest for name, artifact in world.artifacts(stage).items()}


def test_names_and_order_change_no_fit_and_no_choice(clean: World, renamed: World) -> None:
    assert_same(clean, renamed, [*FITS, *CHOICES])


@pytest.mark.parametrize("stage", OF_VIDEOS)
def test_names_and_order_change_nothing_of_a_clip(clean: World, renamed: World, stage: str) -> None:
    before = {other_name(name): digest for name, digest in of_videos(clean, stage).items()}
    assert len(before) == len(clean.clips)
    assert before == of_videos(renamed, stage)


@pytest.mark.parametrize(
    "stage", ["generator", "video_generator", "classifier", "comparison_classifier"]
)
def test_another_seed_gives_other_bytes(clean: World, stage: str) -> None:
    first, second = (clean.fits(stage, seed) for seed in (0, 1))
    assert first.keys() == second.keys() != set()
    for name, artifact in first.items():
        assert artifact.row.digest != second[name].row.digest


def test_another_width_of_audio_reaches_every_classifier(clean: World) -> None:
    """Over a finished run, where what still holds is kept: also of arms that read no sound."""
    narrow = replace(clean.copy(), config=changed(clean.config, "audio_dim", AUDIO_DIM - 1))
    through = STAGES_RUN.index("comparison_classifier") + 1
    narrow.run(*STAGES_RUN[:through])
    for fit, artifact in narrow.fits("comparison_classifier", 0).items():
        (inputs,) = artifact.tensors()["snapshot.0.model.standardize.mean"].shape
        hears = COMPARISON_ARMS[base_of(fit)].audio is not None
        assert inputs == 2 * VIEW_DIM + hears * (AUDIO_DIM - 1), fit


def test_a_fit_that_goes_by_names_is_caught(
    clean: World, renamed: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    split = Experiment.split

    def by_name(self: Experiment, name: str) -> list:
        return sorted(split(self, name), key=lambda clip: clip.video_id)

    monkeypatch.setattr(Experiment, "split", by_name)
    monkeypatch.setattr(  # which would sort them by content once more
        "unmuted.systems.classifier.training.content_order", lambda keys, *_: np.arange(len(keys))
    )
    leaked = [world.again("classifier", seeds=[0]) for world in (clean, renamed)]
    with pytest.raises(AssertionError):
        assert_same(*leaked, ["classifier"])
