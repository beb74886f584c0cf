"""Training sound that is declared missing is never read: not even its file is opened."""

from __future__ import annotations

from pathlib import Path

import pytest

from guards.checks import assert_same
from guards.corpus import make_clips, silent
from guards.world import STAGES_RUN, World, make_world
from unmuted.engine.artifacts import DamagedArtifact
from unmuted.engine.scenarios import changed_setting, scenario_path
from unmuted.samples.missing_audio import is_missing

RATE = 0.5
SCENARIO = scenario_path(changed_setting("missing.training_rate", RATE))
READERS = (  # a lookup set is what retrieval reads sound by
    *(("projection",), ("prototypes",), ("generator",), ("video_generator",)),
    *(("lookup_set", "retrieved"), ("predicted_labels",), ("classifier",)),
    *(("comparison_classifier",), ("comparison_selection",)),
)
of_readers = pytest.mark.parametrize("stages", READERS, ids=lambda stages: stages[-1])


def declared_missing(world: World) -> list[str]:
    """Training clips without their sound at this rate, by the masks' own rule, that have some."""
    with_sound = world.artifacts("ast")
    keys = world.keys()
    return [
        name
        for name in world.ids("train")
        if name in with_sound and is_missing(keys[name], seed=0, rate=RATE)
    ]


def without_their_sound(world: World) -> World:
    """A copy without the files of the sound that is declared missing; all rows stay."""
    other = world.copy()
    for stage in ("ast", "degraded_ast"):
        found = other.artifacts(stage)
        for name in found.keys() & declared_missing(world):
            found[name].path.unlink()
    return other


# What no sound reaches is the run's own in a scenario of it.
DEAF = (
    *("label_embeddings", "mapping", "sources", "dictionary"),
    *("fold_classifier", "video_posterior"),
    *("cnn_rnn_sources", "cnn_rnn", "cnn_rnn_selection", "cnn_rnn_predictions"),
)


def run_all(world: World) -> World:
    """Everything; of the last stage, which is the slowest, one shard."""
    last = STAGES_RUN[-1]
    return world.run(*STAGES_RUN[:-1]).run(last, shards=[world.shard_with_most("test")])


@pytest.fixture(scope="module")
def robbed(clean: World) -> World:
    """A run that had all of the sound, after which files of it were lost."""
    return without_their_sound(clean)


@pytest.fixture(scope="module")
def declared(robbed: World) -> World:
    """Its scenario in which what was lost is declared missing."""
    return run_all(robbed.copy().scenario(SCENARIO))


@pytest.fixture(scope="module")
def never_there(folder: Path, clean: World) -> World:
    """The same scenario of a run of its own, in which these clips never had sound."""
    missing = declared_missing(clean)
    clips = [silent(clip) if clip.video_id in missing else clip for clip in make_clips()]
    world = make_world(folder / "never_there", clips)
    return run_all(world.run(*DEAF).scenario(SCENARIO))


def test_half_of_the_training_sound_is_declared_missing(clean: World) -> None:
    assert 0.25 < len(declared_missing(clean)) / len(clean.ids("train")) < 0.7


def test_sound_that_is_declared_missing_is_as_if_it_had_never_been(
    declared: World, never_there: World
) -> None:
    assert_same(declared, never_there, STAGES_RUN)


def test_missing_sound_changes_what_is_learnt(clean: World, declared: World) -> None:
    for stage in ("projection", "generator", "video_generator", "comparison_classifier"):
        assert clean.contents(stage) != declared.contents(stage), stage


@of_readers
def test_without_the_declaration_the_missing_file_is_refused_by_name(
    robbed: World, stages: tuple[str, ...]
) -> None:
    with pytest.raises(DamagedArtifact, match=r"results/ast/.*safetensors: expected content"):
        robbed.again(*stages, seeds=[0])


@of_readers
def test_a_stage_that_reads_declared_sound_is_caught(
    declared: World, monkeypatch: pytest.MonkeyPatch, stages: tuple[str, ...]
) -> None:
    """The same, where the declaration is there and the code forgets about it."""
    monkeypatch.setattr("unmuted.samples.experiment.is_missing", lambda *_: False)
    with pytest.raises(DamagedArtifact, match="results/ast/"):
        declared.again(*stages, seeds=[0])
