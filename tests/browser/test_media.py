"""Sites of matches and of masks in a browser; figures in dark windows and on telephones."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from browser.conftest import Open
from browser.hostile import HOSTILE
from browser.test_pages import Played
from made_media import highlights, segmentation
from unmuted.pipeline.jobs.site import LINKS
from unmuted.site.folder import SiteFolder
from unmuted.site.origin import origin_section
from unmuted.site.overview import write_overview

pytestmark = pytest.mark.workflow

TEXT = " ".join(HOSTILE[:6])  # what a short text could do
GROUND = (0x14, 0x17, 0x1A)  # of a dark page
_FIGURES = """(all) => all.map((one) => ({
  narrow: one.currentSrc === one.parentElement.querySelector("source")?.srcset,
  scale: one.clientWidth / one.naturalWidth,
}))"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site of a match and a video with masks, and the pages of both, with hostile names."""
    made = tmp_path_factory.mktemp("media")
    video = Played(made, TEXT)
    film = made / "played.mp4"
    site = SiteFolder(made / "report")
    sections = [highlights(made, site, film, TEXT), segmentation(made, site, film, TEXT)]
    write_overview(site, sections, origin_section({}), LINKS)
    video.add("events", {"events": [{"file_milliseconds": 1500, "kind": TEXT}]})
    video.add("avs_tables", lambda path: path.write_text("second,audio\n0,yes\n1,no\n"))
    video.add("overlay_copies", lambda path: path.write_bytes(video.mp4))
    (made / "report/video.html").write_text(video.draw(), encoding="utf-8")
    return made / "report"


@pytest.mark.parametrize("name", ["index", "video"])
def test_a_page_with_media_opens_everywhere_and_shows_texts_as_text(
    folder: Path, visit: Open, name: str
) -> None:
    dark = visit(folder / f"{name}.html", color_scheme="dark")
    narrow = visit(folder / f"{name}.html", width=375)
    for opened in (dark, narrow):
        assert opened.problems() == [] == opened.barriers()
        assert opened.page.evaluate("window.broken") is None
        assert TEXT in opened.page.locator("main").evaluate("(one) => one.textContent")
    assert narrow.too_wide() == []


def test_reel_and_overlays_play(folder: Path, visit: Open) -> None:
    overview, page = visit(folder / "index.html"), visit(folder / "video.html")
    assert overview.page.locator("video").count() == 2
    assert page.page.locator("video").count() == 3
    for opened, number in ((overview, 0), (overview, 1), (page, 2)):
        played = opened.play(f"video >> nth={number}")
        assert not played["error"]
        assert played["time"] > 0.4 and played["pictures"] > 1 and played["sound"] > 0
    assert overview.problems() == [] == page.problems()


def test_figures_follow_the_dark_and_have_a_form_for_telephones(folder: Path, visit: Open) -> None:
    dark = visit(folder / "index.html", color_scheme="dark")
    figures = dark.page.locator("picture img")
    assert figures.count() == 5
    for figure in figures.all():
        shown = Image.open(io.BytesIO(figure.screenshot())).convert("RGB")
        assert shown.getpixel((2, 2)) == GROUND
        assert max(max(colour) for _, colour in shown.getcolors(1 << 20)) > 200  # the words
    assert not any(one["narrow"] for one in figures.evaluate_all(_FIGURES))
    timeline = dark.page.locator("img.paper")
    shown = Image.open(io.BytesIO(timeline.screenshot())).convert("RGB")
    assert max(shown.getpixel((2, 2))) < 40  # though its file is white
    narrow = visit(folder / "index.html", width=375)
    for one in narrow.page.locator("picture img").evaluate_all(_FIGURES):
        assert one["narrow"] and 0.95 < one["scale"] <= 1
