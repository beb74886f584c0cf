"""The checks themselves: each defect that is planted is found, and a sound page has none."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.media.clips import run_ffmpeg

from browser.conftest import Open

pytestmark = pytest.mark.workflow

POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:"
PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>A page</title>
<meta name="viewport" content="width=device-width">{head}
<style>nav {{ color: #000 }} @media print {{ nav {{ display: none }} }}</style></head>
<body><nav aria-label="Pages"><a href="#main">main</a></nav>
<main id="main"><h1>A page</h1>{body}</main></body></html>"""


@pytest.fixture
def write(tmp_path: Path):
    def written(body: str = "<p>text</p>", head: str = "", policy: str | None = None) -> Path:
        meta = f'<meta http-equiv="Content-Security-Policy" content="{policy}">' if policy else ""
        path = tmp_path / "page.html"
        path.write_text(PAGE.format(body=body, head=meta + head), encoding="utf-8")
        return path

    return written


def test_a_sound_page_has_no_problem(visit: Open, write) -> None:
    visited = visit(write("<p>text</p><script>document.title += '!'</script>", policy=POLICY))
    assert visited.page.title() == "A page!"
    assert visited.problems() == [] == visited.barriers()
    assert visited.too_wide() == []
    assert visited.is_shown("nav")
    visited.page.emulate_media(media="print")
    assert not visited.is_shown("nav")


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("<script>console.error('it broke')</script>", "it broke"),
        ("<script>nothing.at.all()</script>", "nothing is not defined"),
        ("<script>setTimeout(() => Promise.reject(new Error('later')))</script>", "later"),
        ("<script src='data/gone.js'></script>", "ERR_FILE_NOT_FOUND"),
        ("<img alt='a picture' src='https://example.org/picture.png'>", "https://example.org/"),
        ("<script>fetch('https://example.org/data')</script>", "https://example.org/data"),
        ("<link rel='stylesheet' href='//example.org/a.css'>", "ERR_INVALID_URL"),
    ],
)
def test_what_a_page_does_is_found(visit: Open, write, body: str, found: str) -> None:
    visited = visit(write(body))
    visited.page.wait_for_timeout(100)
    assert any(found in problem for problem in visited.problems()), visited.problems()


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("<p style='color: red'>text</p>", "style-src-attr"),
        ("<button onclick='alert(1)'>text</button>", "onclick"),
        ("<a href='JavaScript:alert(1)'>text</a>", "href"),
        ("<script>document.title = 'run'</script>", "script-src-elem"),
        ("<img alt='a picture' src='picture.png'>", "img-src"),
        ("<iframe title='a frame' src='https://example.org'></iframe>", "frame-src"),
    ],
)
def test_what_a_policy_refuses_is_found(visit: Open, write, body: str, found: str) -> None:
    policy = "default-src 'none'; img-src data:; style-src-elem 'unsafe-inline'"
    visited = visit(write(body, policy=policy))
    visited.page.wait_for_timeout(100)
    assert any(found in problem for problem in visited.problems()), visited.problems()
    assert visited.page.title() == "A page"


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        ("<img src='data:image/gif;base64,R0lGODlhAQABAAAAACw='>", "image-alt"),
        ("<p style='color: #bbb; background: #fff'>pale text</p>", "color-contrast"),
        ("<input type='search'>", "label"),
        ("<button></button>", "button-name"),
        ("<div style='overflow: auto; height: 20px'><p>one</p><p>two</p></div>", "scrollable"),
    ],
)
def test_barriers_are_found(visit: Open, write, body: str, rule: str) -> None:
    barriers = visit(write(body)).barriers()
    assert any(one.startswith(rule) for one in barriers), barriers


def test_pale_text_is_found_in_the_dark_alone(visit: Open, write) -> None:
    dark = (
        "<style>@media (prefers-color-scheme: dark) { p { color: #222; background: #000 } }</style>"
    )
    path = write(head=dark)
    assert visit(path, color_scheme="light").barriers() == []
    assert any("color-contrast" in one for one in visit(path, color_scheme="dark").barriers())


def test_what_is_wider_than_a_telephone_is_found(visit: Open, write) -> None:
    wide = write("<p class='long'>" + "x" * 500 + "</p>")
    assert any("P long" in one for one in visit(wide, width=375).too_wide())
    hidden = "<span class='away' style='position: absolute; left: 500px'>text</span>"
    escaped = write(f"<div style='overflow: auto'>{hidden}</div>")
    assert any("SPAN away" in one for one in visit(escaped, width=375).too_wide())
    inside = write("<div style='overflow: auto'><p class='long'>" + "x" * 500 + "</p></div>")
    assert visit(inside, width=375).too_wide() == []


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One clip with sound, one without, and one of a codec that no browser plays."""
    folder = tmp_path_factory.mktemp("clips")
    picture = ("-f", "lavfi", "-i", "testsrc2=size=64x48:rate=25:duration=1")
    sound = ("-f", "lavfi", "-i", "sine=frequency=440:duration=1")
    encoded = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")
    run_ffmpeg(*picture, *sound, *encoded, "-c:a", "aac", folder / "clip.mp4")
    run_ffmpeg(*picture, *encoded, folder / "mute.mp4")
    run_ffmpeg(*picture, "-c:v", "mpeg4", folder / "other.mp4")
    return folder


def test_a_player_says_whether_picture_and_sound_are_played(visit: Open, write, clips) -> None:
    def played(name: str) -> dict[str, object]:
        return visit(write(f"<video src='{clips / name}'></video>")).play()

    clip = played("clip.mp4")
    assert not clip["error"]
    assert clip["time"] > 0.4 and clip["width"] == 64 and clip["height"] == 48
    assert clip["pictures"] > 1 and clip["sound"] > 0
    mute = played("mute.mp4")
    assert not mute["error"]
    assert mute["time"] > 0.4 and mute["sound"] == 0
    assert played("other.mp4")["error"]
    assert played("gone.mp4")["error"]
