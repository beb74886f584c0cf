"""The pages of the report in a browser: the overview, and the page of a video."""

from __future__ import annotations

import io
import json
from pathlib import Path
from urllib.parse import quote

import cv2
import numpy as np
import pytest
from PIL import Image

from browser.conftest import Open
from browser.hostile import HOSTILE
from browser.visit import Visit
from made_site import make_site
from media.clips import run_ffmpeg
from systems.pages.test_match_page import Made as MadeMatch
from systems.pages.test_page import Made

pytestmark = pytest.mark.workflow

LOST = ("frames", "captions", "sound_previews", "clip_copies", "trained_mapping", "predictions")


class Played(Made):
    """The artifacts of a video whose copy and preview have both a picture and a sound."""

    def _write_media(self) -> None:
        super()._write_media()
        run_ffmpeg(
            *("-f", "lavfi", "-i", "testsrc2=size=64x48:rate=25:duration=1"),
            *("-f", "lavfi", "-i", "sine=frequency=440:duration=1"),
            *("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac"),
            *("-movflags", "+faststart", self.folder / "played.mp4"),
        )
        self.mp4 = (self.folder / "played.mp4").read_bytes()
        self.add("clip_copies", lambda path: path.write_bytes(self.mp4), reason=self.text)


# How many boxes around the picture in an element may scroll.
_SCROLLING = """(all) => all.map((one) => [one, ...one.querySelectorAll(":has(img)")].filter(
  (box) => getComputedStyle(box).overflowX === "auto").length)"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site with hostile class names, and pages: of a video, a hostile one and a failed one."""
    folder = tmp_path_factory.mktemp("site")
    make_site(folder / "report", hostile=True)
    (folder / "made").mkdir()
    drawn = {"plain": Played(folder / "made").draw()}
    drawn["hostile"] = Played(folder / "made", " ".join(HOSTILE)).draw()
    failed = Played(folder / "made", HOSTILE[0])
    for stage in LOST:
        failed.lose(stage, "damaged", HOSTILE[0])
    drawn["failed"] = failed.draw()
    (folder / "match").mkdir()
    match = MadeMatch(folder / "match", HOSTILE[0])
    match.add("reel_copies", lambda path: path.write_bytes(failed.mp4))
    picture = cv2.imencode(".png", np.full((300, 1200, 3), 255, np.uint8))[1].tobytes()
    match.add("timelines", lambda path: path.write_bytes(picture))
    drawn["match"] = match.page()
    for name, page in drawn.items():
        (folder / "report" / f"{name}.html").write_text(page, encoding="utf-8")
    return folder / "report"


@pytest.mark.parametrize("name", ["index", "plain", "hostile", "failed", "match"])
def test_a_page_opens_in_light_dark_and_on_a_telephone(
    folder: Path, visit: Open, name: str
) -> None:
    for scheme in ("light", "dark"):
        opened = visit(folder / f"{name}.html", color_scheme=scheme)
        assert opened.problems() == [] == opened.barriers(), scheme
        assert opened.page.evaluate("window.broken") is None
    narrow = visit(folder / f"{name}.html", width=375)
    assert narrow.problems() == [] == narrow.too_wide()


def test_the_timeline_of_a_match_is_dark_in_the_dark_and_scrolls_in_one_box(
    folder: Path, visit: Open
) -> None:
    timeline = visit(folder / "match.html", color_scheme="dark").page.locator("#timeline ~ * img")
    shown = Image.open(io.BytesIO(timeline.screenshot())).convert("RGB")
    assert max(shown.getpixel((2, 2))) < 40  # though its file is white
    narrow = visit(folder / "match.html", width=375).page
    boxes = narrow.locator("#timeline ~ *").evaluate_all(_SCROLLING)
    assert boxes == [1]
    assert narrow.locator("#timeline ~ * img").evaluate("(one) => one.clientWidth") > 900


@pytest.mark.parametrize("name", ["index", "videos", "plain"])
def test_print_shows_the_content_without_navigation(folder: Path, visit: Open, name: str) -> None:
    opened = visit(folder / f"{name}.html", color_scheme="dark")
    assert opened.is_shown("main")
    opened.page.emulate_media(media="print")
    colours = "(one) => [getComputedStyle(one).backgroundColor, getComputedStyle(one).color]"
    paper, ink = opened.page.locator("html").evaluate(colours)
    assert paper == "rgb(255, 255, 255)" and ink == "rgb(27, 31, 36)"
    assert opened.is_shown("main h1")
    assert not opened.is_shown("nav") and not opened.is_shown(".skip")


def test_the_skip_link_is_first_and_leads_to_the_content(folder: Path, visit: Open) -> None:
    for name in ("index", "plain"):
        opened = visit(folder / f"{name}.html")
        opened.page.keyboard.press("Tab")
        link = opened.page.locator(".skip")
        assert link.evaluate("(one) => one === document.activeElement && one.offsetTop >= 0")
        opened.page.keyboard.press("Enter")
        assert opened.page.url.endswith("#main")


def numbers_of(opened: Visit) -> list[str]:
    """The tables that lie one click away, opened with the keyboard; their CSV files."""
    addresses = []
    for details in opened.page.locator("details").all():
        summary = details.locator("summary")
        assert not details.evaluate("(one) => one.open")
        summary.focus()
        opened.page.keyboard.press("Enter")
        assert details.evaluate("(one) => one.open")
        shown = details.locator("table, p").first
        assert shown.is_visible(), summary.inner_text()
        addresses += [link.get_attribute("href") for link in details.locator("a[download]").all()]
    return addresses


@pytest.mark.parametrize("name", ["index", "plain"])
def test_every_figure_has_its_numbers_one_key_away_and_as_a_file(
    folder: Path, visit: Open, name: str
) -> None:
    opened = visit(folder / f"{name}.html")
    addresses = numbers_of(opened)
    assert len(addresses) >= 3
    for address in addresses:
        assert address.startswith("data:text/csv") or (folder / address).is_file(), address
    images = opened.page.locator("img").all()
    assert all(image.evaluate("(one) => one.naturalWidth") > 0 for image in images)
    assert opened.problems() == []


@pytest.mark.parametrize("number", [0, 1])
def test_the_clip_and_the_retrieved_sound_play(folder: Path, visit: Open, number: int) -> None:
    opened = visit(folder / "plain.html")
    players = opened.page.locator("video")
    assert players.count() == 2
    assert players.nth(number).get_attribute("controls") is not None
    assert players.nth(number).get_attribute("aria-label")
    played = opened.play(f"video >> nth={number}")
    assert not played["error"]
    assert played["time"] > 0.4
    assert (played["width"], played["height"]) == (64, 48)
    assert played["pictures"] > 1 and played["sound"] > 0
    assert opened.problems() == []


def test_what_is_retrieved_is_not_called_generated(folder: Path, visit: Open) -> None:
    opened = visit(folder / "plain.html")
    heading = opened.page.get_by_role("heading", name="retrieved, not generated")
    assert heading.is_visible()


def test_hostile_texts_are_shown_as_text(folder: Path, visit: Open) -> None:
    opened = visit(folder / "hostile.html")
    text = opened.page.locator("main").evaluate("(one) => one.textContent")
    for hostile in HOSTILE:
        assert hostile in text
    assert opened.page.locator("main script, main iframe, main img[src=x]").count() == 0
    overview = visit(folder / "index.html")
    assert overview.page.locator("main script, main iframe, main img[src=x]").count() == 0
    assert overview.page.title() == opened.page.title().replace("clip-1", "Report")


def test_a_video_that_failed_says_where_and_why(folder: Path, visit: Open) -> None:
    opened = visit(folder / "failed.html")
    absent = opened.page.locator("section[aria-labelledby=statuses] tr").all_text_contents()
    for stage in LOST:
        assert any(stage in row and "damaged" in row and HOSTILE[0] in row for row in absent), stage


def test_the_folder_may_be_copied_and_its_links_stay_within(folder: Path, visit: Open) -> None:
    copied = folder.rename(folder.with_name("a copy, #1 & ünï"))
    try:
        opened = visit(f"{copied.as_uri()}/index.html")
        opened.page.get_by_role("link", name="Videos").first.click()
        opened.page.wait_for_selector("#videos tbody tr")
        assert opened.page.url == f"file://{quote(str(copied))}/videos.html"
        opened.page.get_by_role("link", name="Overview").first.click()
        links = opened.page.locator("a[href]").evaluate_all("(all) => all.map((a) => a.href)")
        stray = [one for one in links if not one.startswith((copied.as_uri(), "data:"))]
        assert stray == [], json.dumps(stray)
        assert opened.problems() == []
    finally:
        copied.rename(folder)
