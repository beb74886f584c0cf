"""Worlds that differ from the first in one thing; each is built once and then only copied."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from guards.corpus import (
    make_clips,
    other_name,
    with_other_everything,
    with_other_sound,
    with_permuted_labels,
)
from guards.world import STAGES_RUN, World, make_world


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the worlds lie."""
    return tmp_path_factory.mktemp("guards")


@pytest.fixture(scope="session")
def clean(folder: Path) -> World:
    """Everything, as it is."""
    return make_world(folder / "clean", make_clips()).run()


@pytest.fixture(scope="session")
def relabelled(folder: Path) -> World:
    """The labels of the test clips permuted."""
    clips = with_permuted_labels(make_clips(), "test")
    return make_world(folder / "relabelled", clips).run()


@pytest.fixture(scope="session")
def unheard(folder: Path) -> World:
    """Noise for all sound that is not for training."""
    clips = [clip if clip.split == "train" else with_other_sound(clip) for clip in make_clips()]
    return make_world(folder / "unheard", clips).run()


@pytest.fixture(scope="session")
def untested(folder: Path) -> World:
    """Noise for all that is seen and heard of test clips, up to all that is fitted or chosen."""
    clips = [with_other_everything(clip) if clip.split == "test" else clip for clip in make_clips()]
    return make_world(folder / "untested", clips).run(*STAGES_RUN[:-1])


@pytest.fixture(scope="session")
def renamed(folder: Path) -> World:
    """The same clips under other names, so in another order and in other shards."""
    clips = [replace(clip, video_id=other_name(clip.video_id)) for clip in make_clips()]
    world = make_world(folder / "renamed", clips, videos_per_shard=32)
    return world.run(*STAGES_RUN[:-1])
