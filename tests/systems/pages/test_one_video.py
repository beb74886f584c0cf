"""Any video is shown alone, as the report would show it, whether or not it is selected."""

from __future__ import annotations

from contextlib import chdir
from pathlib import Path

import pytest

from guards.world import World
from small_project import make_config
from systems.pages.world_of_pages import PAGES, make_pages_world
from unmuted.errors import UserError
from unmuted.media.probe import Limits, probe
from unmuted.pipeline.registry import open_run
from unmuted.systems.pages.one_video import (
    read_stages,
    shown_fingerprint,
    shown_ledgers,
    write_shown,
)
from unmuted.systems.pages.previews_job import RETRIEVED


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return make_pages_world(tmp_path_factory.mktemp("one")).run(*PAGES)


def shown(world: World, name: str, what: str) -> bytes:
    with chdir(world.folder):
        path = Path("results") / "by_video" / name / what
        write_shown(world.project(), name, what, path)
        return path.read_bytes()


def test_a_video_of_the_report_is_shown_as_the_report_shows_it(world: World) -> None:
    name = world.ids("test")[0]
    assert shown(world, name, "page.html") == world.artifacts("pages")[name].path.read_bytes()
    mp4 = world.artifacts("sound_previews")[name].tensors()["mp4"].tobytes()
    assert shown(world, name, "preview.mp4") == mp4
    assert shown(world, name, "clip.mp4") == world.artifacts("clip_copies")[name].path.read_bytes()


def test_a_video_that_is_not_selected_is_shown_too(world: World, tmp_path: Path) -> None:
    name = world.ids("train")[0]
    page = shown(world, name, "page.html").decode()
    assert RETRIEVED in page and "not_selected" not in page and "This is a training clip" in page
    (tmp_path / "preview.mp4").write_bytes(shown(world, name, "preview.mp4"))
    assert probe(tmp_path / "preview.mp4", Limits()).audio_codec == "aac"


def test_a_video_that_cannot_be_read_has_a_page_and_no_preview(world: World) -> None:
    name = world.ids("test")[1]
    source = world.folder / "videos" / f"{name}.mp4"
    whole = source.read_bytes()
    source.write_bytes(b"no video")
    try:
        page = shown(world, name, "page.html").decode()
        assert "copy for the player" in page and "There is no copy to play" in page
        with pytest.raises(UserError, match=rf"{name} has no preview\.mp4: \w+ \S+"):
            shown(world, name, "preview.mp4")
        assert not (world.folder / "results" / "by_video" / name / "preview.mp4").exists()
    finally:
        source.write_bytes(whole)


def test_without_labels_a_page_reads_what_needs_no_fit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run = open_run(make_config(tmp_path, {"a": None, "b": None}))
    sharded, fits = read_stages(run, "page.html")
    assert {"probe", "frames", "flow", "captions", "wav", "ast"} <= set(sharded)
    assert not {"generated", "predictions", "trained_mapping"} & set(sharded)
    assert fits == []
    assert not [path for path in shown_ledgers(run, "a", "page.html") if "splits" in path.name]
    before = shown_fingerprint(run, "a", "page.html")
    assert before != shown_fingerprint(run, "b", "page.html")


def test_with_labels_it_reads_what_is_generated_as_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    labels = {f"{label}{i}": label for label in ("cats", "dogs") for i in range(12)}
    run = open_run(make_config(tmp_path, labels))
    sharded, fits = read_stages(run, "page.html")
    assert {"generated", "predictions", "trained_mapping"} <= set(sharded)
    assert {"sound_library", "projection"} <= set(fits)
    assert read_stages(run, "clip.mp4") == (["probe"], [])
    found = {what: shown_fingerprint(run, "cats1", what) for what in ("page.html", "clip.mp4")}
    (tmp_path / "videos" / "cats" / "cats1.mp4").write_bytes(b"another video")
    other = open_run(make_config(tmp_path, {}) | {})
    for what, before in found.items():
        assert shown_fingerprint(other, "cats1", what) != before
    with pytest.raises(UserError, match="nobody"):
        shown_ledgers(run, "nobody", "page.html")
