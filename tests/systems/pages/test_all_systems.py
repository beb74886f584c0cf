"""A page shows every system of clips that the report shows, from what their stages really leave."""

from __future__ import annotations

import re

import pytest

from guards.corpus import make_clips
from guards.world import SEEDS, STAGES_RUN, World, make_world
from systems.pages.test_page import Reader
from systems.pages.world_of_pages import PAGES, write_media
from unmuted.systems.pages.predicted import PREDICTING

SYSTEMS = ["arch2", "arch1", "pilot", "cnn_rnn", "comparison"]
# Of these the made world has no picture; `predictions` and what else is fitted is made here.
GONE = ("flow", "representative_frames", "frames")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("all")
    made = make_world(folder / "world", make_clips(), report__systems=SYSTEMS)
    made.run(*STAGES_RUN)
    write_media(made, folder / "media", absent=GONE)
    return made.run(*PAGES)


def test_every_arm_of_every_system_has_its_class(world: World) -> None:
    pages = world.artifacts("pages")
    name = next(name for name in world.ids("test") if name in pages)
    page = Reader(pages[name].path.read_text())
    said = {arm for stage in PREDICTING for arm in world.artifacts(stage)[name].json()["arms"]}
    assert {"generated", "filtered", "pilot", "cnn_rnn"} <= said
    for arm in said:
        assert re.search(rf"\b{arm} (barking|cello|rain) 0\.\d+", page.text), arm


def test_the_filter_decides_as_the_comparison_does(world: World) -> None:
    """Kept where the similarity that the page shows reaches the bound that it shows."""
    found = 0
    for name, artifact in world.artifacts("pages").items():
        kept = world.artifacts("comparison_predictions")[name].json()["kept"]["filtered"]
        text = Reader(artifact.path.read_text()).text
        rows = re.findall(r"\b(\d) (kept|rejected) (-?[\d.e-]+) (-?[\d.e-]+)", text)
        assert len(rows) == len(kept) == len(SEEDS)
        for row, decision in zip(rows, kept, strict=True):
            _, word, similarity, least = row
            assert word == ("kept" if decision else "rejected")
            if abs(float(similarity) - float(least)) > 1e-3:  # four digits are shown
                assert (float(similarity) > float(least)) == decision
                found += 1
    assert found > 5
