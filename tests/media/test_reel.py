"""Reels: picture and sound stay together over seams, and no file can spoil those of others."""

from __future__ import annotations

import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from fractions import Fraction
from functools import cache, partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest
from tests.browser.chromium import OPTIONS, require_browser
from tests.media.clips import run_ffmpeg

from unmuted.dataset.limits import Limits
from unmuted.media import ffmpeg
from unmuted.media.ffmpeg import MediaError
from unmuted.media.probe import Probe, probe
from unmuted.media.reel import SAMPLE_RATE, Cut, Reel, ReelFormat, common_rate, make_reel

pytestmark = pytest.mark.unit

SECONDS = 9
LONG = 0.1  # seconds of a flash and of a beep; both begin with each second
LIMITS = Limits(max_seconds=7200)
CODECS = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac")


def make(
    path: Path,
    rate: str = "25",
    hz: int | None = 44_100,
    *options: str,
    size: str = "64x48",
    sound_late: float = 0.0,
    channels: str = "mono",
) -> Path:
    """Write a video that flashes and beeps with every second; sound_late: seconds cut off it."""
    flash = f"drawbox=c=white:t=fill:enable='lt(mod(t,1),{LONG})'"
    picture = f"color=black:size={size}:rate={rate}:duration={SECONDS},format=yuv444p,{flash}"
    arguments: list[object] = ["-f", "lavfi", "-i", picture]
    if hz is not None:
        beep = f"if(lt(mod(t+{sound_late},1),{LONG}),0.7*sin(2*PI*1000*t),0)"
        sound = f"aevalsrc='{beep}':s={hz}:d={SECONDS - sound_late},aformat=channel_layouts="
        arguments += ["-itsoffset", sound_late, "-f", "lavfi", "-i", sound + channels]
    plain = path.with_name(f"plain{path.suffix}")
    run_ffmpeg(*arguments, *CODECS, *options, plain)
    plain.rename(path)
    return path


@cache
def probed(path: Path) -> Probe:
    return probe(path, LIMITS)


def cut(path: Path, start: float, seconds: float, has_sound: bool = True) -> Cut:
    found = probed(path)
    track = 0 if has_sound and found.audio_tracks else None
    return Cut(path, found, Fraction(str(start)), Fraction(str(seconds)), track)


def write(cuts: Sequence[Cut], path: Path, processes: int = 2) -> Reel:
    reel = make_reel(cuts, LIMITS, processes)
    reel.write(path)
    return reel


def output(path: Path, *options: str) -> bytes:
    command = [ffmpeg.binary(), "-v", "error", "-i", str(path), *options, "-"]
    return subprocess.run(command, capture_output=True, check=True).stdout


def brightness(path: Path) -> np.ndarray:
    """Mean of each picture, uint8 (N,)."""
    one_pixel = ("-vf", "scale=1:1:flags=area,format=gray", "-fps_mode", "passthrough")
    return np.frombuffer(output(path, *one_pixel, "-f", "rawvideo"), np.uint8)


def sound(path: Path) -> np.ndarray:
    """Samples of the first channel, float64 (n,)."""
    samples = np.frombuffer(output(path, "-map", "0:a", "-f", "s16le"), "<i2").astype(float)
    return samples.reshape(-1, 2)[:, 0]


def beeps(path: Path, threshold: float = 3000) -> np.ndarray:
    """Seconds at which a beep begins."""
    loud = np.convolve(np.abs(sound(path)), np.ones(96) / 96, "same") > threshold
    return (np.flatnonzero(loud[1:] & ~loud[:-1]) + 1) / SAMPLE_RATE


def flashes(path: Path, rate: Fraction) -> np.ndarray:
    bright = brightness(path) > 128
    return (np.flatnonzero(bright[1:] & ~bright[:-1]) + 1) / float(rate)


def description(path: Path) -> str:
    command = [ffmpeg.binary(), "-hide_banner", "-i", str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=False).stderr


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("mixed")
    return [
        make(folder / "a.mp4", "25", 44_100),
        make(folder / "b.mkv", "30000/1001", 48_000, channels="stereo"),
        make(folder / "c.mp4", "50", 44_100, channels="5.1"),
        make(folder / "d.ts", "60000/1001", 48_000),
    ]


def test_picture_and_sound_stay_within_a_frame_over_forty_seams(
    mixed: list[Path], tmp_path: Path
) -> None:
    rng = np.random.default_rng(5)
    cuts = []
    for number in range(40):
        start = int(rng.integers(0, 5)) + rng.uniform(0.2, 0.9)
        end = int(start) + int(rng.integers(2, 4)) + rng.uniform(0.2, 0.9)
        cuts.append(cut(mixed[number % 4], round(start, 3), round(end - start, 3)))
    path = tmp_path / "reel.mp4"
    reel = write(cuts, path)
    assert reel.format.rate == 25
    assert reel.remarks == ()
    wanted = float(sum(one.seconds for one in cuts))
    lasted = len(brightness(path)) / 25
    assert lasted == pytest.approx(float(reel.seconds), abs=1e-9)
    assert abs(lasted - wanted) <= 40 * 0.5 / 25  # each is rounded to whole frames
    assert len(sound(path)) == round(lasted * SAMPLE_RATE)
    seen, heard = flashes(path, reel.format.rate), beeps(path)
    assert len(seen) == len(heard)
    # At 29.97 a second, a picture may itself be a frame late.
    assert np.abs(seen - heard).max() <= 1 / 25 + 1e-3
    starts = np.cumsum([0, *reel.frames]) / 25
    for start, one in zip(starts, cuts, strict=False):
        first = np.ceil(float(one.start)) - float(one.start)
        assert np.abs(heard - (start + first)).min() <= 1 / 25


def test_equal_cuts_give_equal_bytes_for_any_number_of_processes(
    mixed: list[Path], tmp_path: Path
) -> None:
    cuts = [cut(path, 1.3, 2.1) for path in mixed]
    made = []
    for processes in (1, 2, 3):
        write(cuts, tmp_path / f"{processes}.mp4", processes)
        made.append((tmp_path / f"{processes}.mp4").read_bytes())
    assert made[0] == made[1] == made[2]


def test_browsers_play_it(mixed: list[Path], tmp_path: Path) -> None:
    path = tmp_path / "reel.mp4"
    write([cut(mixed[0], 1, 2)], path)
    data = path.read_bytes()
    assert 0 < data.index(b"moov") < data.index(b"mdat")
    said = description(path)
    assert "Video: h264 (High)" in said
    assert "yuv420p" in said
    assert "Audio: aac (LC)" in said
    assert "25 fps" in said


def test_sound_that_begins_late_is_preceded_by_silence(tmp_path: Path) -> None:
    video = make(tmp_path / "late.mp4", sound_late=3.5)
    path = tmp_path / "reel.mp4"
    write([cut(video, 1.6, 4), cut(video, 0.6, 1)], path)
    assert beeps(path) == pytest.approx([2.4, 3.4], abs=0.01)
    assert np.abs(sound(path)[:SAMPLE_RATE]).max() < 100
    assert len(sound(path)) == 5 * SAMPLE_RATE


def test_a_reel_without_any_sound_has_no_sound_stream(tmp_path: Path) -> None:
    video = make(tmp_path / "mute.mp4", "25", None)
    reel = write([cut(video, 1, 2)], tmp_path / "reel.mp4")
    assert reel.sound is None
    assert "Audio" not in description(tmp_path / "reel.mp4")


def test_a_video_without_sound_is_silent_among_others(mixed: list[Path], tmp_path: Path) -> None:
    mute = make(tmp_path / "mute.mp4", "25", None)
    path = tmp_path / "reel.mp4"
    write([cut(mute, 0.6, 2), cut(mixed[0], 0.6, 2), cut(mixed[0], 0.6, 2, False)], path)
    assert beeps(path) == pytest.approx([2.4, 3.4], abs=0.01)
    assert len(sound(path)) == 6 * SAMPLE_RATE


def test_the_first_video_gives_the_format_and_others_are_fitted_into_it(tmp_path: Path) -> None:
    odd = make(tmp_path / "odd.mkv", "25", None, "-pix_fmt", "yuv444p", size="65x49")
    wide = make(tmp_path / "wide.mp4", "25", None, "-vf", "setsar=2", size="64x48")
    upright = tmp_path / "upright.mp4"
    turned = make(tmp_path / "turned.mp4", "25", None, size="64x48")
    run_ffmpeg("-display_rotation", "90", "-i", turned, "-c", "copy", upright)
    path = tmp_path / "reel.mp4"
    reel = write([cut(odd, 0, 1), cut(wide, 0, 1), cut(upright, 0, 1)], path)
    assert (reel.format.width, reel.format.height) == (66, 50)
    raw = output(path, "-vf", "format=gray", "-fps_mode", "passthrough", "-f", "rawvideo")
    pictures = np.frombuffer(raw, np.uint8).reshape(-1, 50, 66)
    flash = [pictures[25 * number] > 128 for number in range(3)]
    assert flash[0].sum(axis=1).max() == 65
    assert flash[0].sum(axis=0).max() == 49
    assert abs(flash[1].sum(axis=0).max() - 66 * 48 / 128) <= 1  # 128x48 as it is shown
    assert abs(flash[2].sum(axis=1).max() - 50 * 48 / 64) <= 1  # 48x64 as it is shown
    assert flash[2][:, 33].sum() == 50


def test_damage_in_the_middle_harms_no_other_segment(tmp_path: Path) -> None:
    good = make(tmp_path / "good.ts", "25", 44_100, "-g", "25")
    data = bytearray(good.read_bytes())
    middle = len(data) // 2
    data[middle - 2000 : middle + 2000] = np.random.default_rng(1).bytes(4000)
    damaged = tmp_path / "damaged.ts"
    damaged.write_bytes(data)
    path = tmp_path / "reel.mp4"
    reel = write([cut(good, 0.6, 1), cut(damaged, 3.6, 3), cut(good, 0.6, 1)], path)
    assert reel.frames == (25, 75, 25)
    assert {0.4, 4.4} <= {round(float(time), 1) for time in beeps(path)}
    assert len(brightness(path)) == 125


def test_a_segment_without_a_picture_is_left_out_and_named(
    mixed: list[Path], tmp_path: Path
) -> None:
    lost = make(tmp_path / "lost.mp4", "25", 44_100, "-movflags", "+faststart")
    before = cut(lost, 1, 2)
    data = lost.read_bytes()
    begin = data.index(b"mdat") + 4
    lost.write_bytes(data[:begin] + bytes(len(data) - begin))
    path = tmp_path / "reel.mp4"
    reel = write([cut(mixed[0], 0.6, 1), before, cut(mixed[0], 0.6, 1)], path)
    assert reel.frames == (25, 0, 25)
    assert "segment 2" in reel.remarks[0]
    assert beeps(path) == pytest.approx([0.4, 1.4], abs=0.01)
    with pytest.raises(MediaError, match="no_frames"):
        write([before], tmp_path / "none.mp4")
    assert not (tmp_path / "none.mp4").exists()


@pytest.mark.parametrize(
    "name",
    [
        b"a'b;[0:v]null,movie=x[out].mp4",
        b"-i %d.mp4",
        b"two\nlines \\ and $(x).mp4",
        b"no utf-8 \xff.mp4",
        b"concat:a|b.mp4",
    ],
)
def test_no_name_means_anything_to_the_filters(mixed: list[Path], tmp_path: Path, name: bytes):
    video = tmp_path / os.fsdecode(name)
    shutil.copy(mixed[0], video)
    write([cut(video, 0.5, 1)], tmp_path / os.fsdecode(b"reel of " + name))
    write([cut(mixed[0], 0.5, 1)], tmp_path / "plain.mp4")
    made = (tmp_path / os.fsdecode(b"reel of " + name)).read_bytes()
    assert made == (tmp_path / "plain.mp4").read_bytes()


def test_a_killed_call_leaves_nothing(mixed: list[Path], tmp_path: Path) -> None:
    program = (
        "import sys; from tests.media.test_reel import *\n"
        f"cuts = [cut(Path({str(mixed[0])!r}), 0.5, 8)] * 200\n"
        f"print('ready', flush=True); write(cuts, Path({str(tmp_path / 'out' / 'reel.mp4')!r}))"
    )
    for folder in ("out", "temporary"):
        (tmp_path / folder).mkdir()
    root = Path(__file__).parents[2]
    paths = os.pathsep.join([str(root / "workflow" / "scripts"), str(root)])
    environment = os.environ | {"TMPDIR": str(tmp_path / "temporary"), "PYTHONPATH": paths}
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(0.5)
        process.send_signal(signal.SIGKILL)
    assert list((tmp_path / "out").iterdir()) == []
    assert list((tmp_path / "temporary").iterdir()) == []


@pytest.mark.parametrize(
    ("fps", "rate"),
    [
        (29.97034, Fraction(30000, 1001)),
        (25.0, Fraction(25)),
        (23.976, Fraction(24000, 1001)),
        (12.4, Fraction(12)),
        (1.0, Fraction(10)),
        (240.0, Fraction(60)),
    ],
)
def test_average_rates_become_usual_ones(fps: float, rate: Fraction) -> None:
    assert common_rate(fps) == rate


def test_odd_sides_get_a_pixel() -> None:
    video = Probe("mov,mp4", 401, 225, 0.0, 1.0, 25, 25.0, "h264")
    assert ReelFormat.like(video) == ReelFormat(402, 226, Fraction(25))


def test_a_segment_at_the_end_is_shown_in_full(mixed: list[Path], tmp_path: Path) -> None:
    path = tmp_path / "reel.mp4"
    reel = write([cut(one, SECONDS - 1.5, 1.5) for one in mixed], path)
    assert reel.frames == (38, 38, 38, 38)
    assert len(brightness(path)) == 152
    assert len(sound(path)) == round(152 / 25 * SAMPLE_RATE)


PAGE = """<!doctype html><title>page</title><video src="reel.mp4" muted></video><script>
const video = document.querySelector("video");
const say = (text) => fetch("/said?" + encodeURIComponent(text));
video.onerror = () => say("error " + video.error.message);
video.onended = () => say(`ended ${video.videoWidth}x${video.videoHeight} ${video.duration}`);
video.play().catch((error) => say("error " + error));
</script>"""


class Listening(SimpleHTTPRequestHandler):
    """Serves a folder, and passes on what its page says."""

    said: queue.Queue[str]

    def do_GET(self) -> None:
        if self.path.startswith("/said?"):
            self.said.put(unquote(self.path.removeprefix("/said?")))
            self.send_response(204)
            self.end_headers()
        else:
            super().do_GET()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_chromium_plays_it_to_its_end(mixed: list[Path], tmp_path: Path) -> None:
    browser = require_browser()
    write([cut(mixed[0], 1, 1), cut(mixed[1], 1, 1)], tmp_path / "reel.mp4")
    (tmp_path / "page.html").write_text(PAGE)
    said: queue.Queue[str] = queue.Queue()
    handler = type("Handler", (Listening,), {"said": said})
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(tmp_path)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    options = ("--headless=new", *OPTIONS, f"--user-data-dir={tmp_path}/own")
    page = f"http://127.0.0.1:{server.server_port}/page.html"
    with subprocess.Popen(
        [browser, *options, page], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            assert said.get(timeout=120).startswith("ended 64x48 2")
        finally:
            process.kill()
            server.shutdown()
            server.server_close()
