"""Which videos have a copy and a page, what a page knows of splits, and all other statuses."""

from __future__ import annotations

import ast
import importlib
import re
from contextlib import chdir
from dataclasses import replace
from pathlib import Path

import pytest

from guards.corpus import make_clips
from guards.world import SEEDS, World, make_world
from small_project import changed
from systems.pages.test_page import Reader
from systems.pages.world_of_pages import write_media
from unmuted.engine.ledger import OK
from unmuted.pipeline.registry import REGISTRY
from unmuted.systems.pages import copies_job, statuses

CNN_RNN = ("cnn_rnn_sources", "cnn_rnn", "cnn_rnn_selection", "cnn_rnn_predictions")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A world whose manifest has no splits, with the CNN-RNN alone; the run makes the splits."""
    folder = tmp_path_factory.mktemp("selection")
    clips = [replace(clip, split="") for clip in make_clips()]
    made = make_world(folder / "world", clips, report__systems=["cnn_rnn"])
    made.run(*CNN_RNN)
    write_media(made, folder / "media")
    return made


def splits_of(world: World, shard: str) -> dict[str, str]:
    with chdir(world.folder):
        run = world.project()
        splits = run.store.read_splits()
        return {name: splits.get(name, "") for name in run.dataset.shards[shard]}


def selecting(world: World, pages: str) -> World:
    """The same folder under another `report.pages`."""
    return replace(world, config=changed(world.config, "report.pages", pages))


def shard_with_all_splits(world: World) -> str:
    with chdir(world.folder):
        shards = list(world.project().dataset.shards)
    return next(s for s in shards if {"train", "val", "test"} <= {*splits_of(world, s).values()})


@pytest.fixture
def encoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The videos that are encoded from now on."""
    names: list[str] = []
    encode = copies_job.make_preview

    def counted(path: Path, *others: object) -> object:
        names.append(path.stem)
        return encode(path, *others)

    monkeypatch.setattr(copies_job, "make_preview", counted)
    return names


def test_another_selection_encodes_what_it_adds_and_nothing_else(
    world: World, encoded: list[str]
) -> None:
    shard = shard_with_all_splits(world)
    splits = splits_of(world, shard)
    tested = {name for name, split in splits.items() if split == "test"}
    labelled = {name for name, split in splits.items() if split}
    one = world.copy("clip_copies")
    one.run("clip_copies", shards=[shard])
    assert set(encoded) == tested and len(encoded) == len(tested)
    encoded.clear()
    selecting(one, "labelled").run("clip_copies", shards=[shard])
    assert set(encoded) == labelled - tested
    encoded.clear()
    selecting(one, "test").run("clip_copies", shards=[shard])
    assert not encoded
    assert one.artifacts("clip_copies").keys() == tested


def test_pages_know_the_splits_that_the_run_made(world: World) -> None:
    shard = shard_with_all_splits(world)
    every = selecting(world.copy("clip_copies", "pages"), "all")
    pages = every.run("clip_copies", "pages", shards=[shard]).artifacts("pages")
    splits = splits_of(every, shard)
    assert pages.keys() == splits.keys()
    for name, split in splits.items():
        text = Reader(pages[name].path.read_text()).text
        assert ("This is a training clip. The classifiers were fitted on it" in text) == (
            split == "train"
        )
        assert ("This is a validation clip. Chosen on" in text) == (split == "val")
        assert bool(re.search(rf"\b\d of {len(SEEDS)}\b", text)) == (split in ("val", "test")), (
            split
        )
        assert not split or f"split {split} " in text


@pytest.mark.parametrize("stage", ["clip_copies", "sound_previews", "pages"])
def test_every_status_of_a_job_is_known(stage: str) -> None:
    """What a job gives besides the statuses of decoders deserves no warning."""
    module_name = {"clip_copies": "copies_job", "sound_previews": "previews_job"}
    module = importlib.import_module(f"unmuted.systems.pages.{module_name.get(stage, 'page_job')}")
    known = {OK, *REGISTRY.expected_statuses}
    given = set()
    for node in ast.walk(ast.parse(Path(module.__file__ or "").read_text())):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Result":
            for argument in node.args[2:3]:
                if isinstance(argument, ast.Constant):
                    given.add(argument.value)
                elif isinstance(argument, ast.Name) and hasattr(module, argument.id):
                    given.add(getattr(module, argument.id))
    assert given <= known
    assert given & set(statuses.EXPECTED)  # each job gives one of them


def test_no_status_is_expected_that_no_job_gives() -> None:
    jobs = [
        importlib.import_module(f"unmuted.systems.pages.{name}_job")
        for name in ("copies", "previews", "page")
    ]
    values = [value for job in jobs for value in vars(job).values() if isinstance(value, str)]
    given = set(statuses.EXPECTED).intersection(values)
    assert given == set(statuses.EXPECTED)
    assert "no_preview" not in REGISTRY.expected_statuses
