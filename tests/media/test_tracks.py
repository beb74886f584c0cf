"""Which of several audio tracks is read, and which streams are refused as encrypted."""

from __future__ import annotations

import json
import re
import struct
from pathlib import Path

import numpy as np
import pytest

from media.clips import run_ffmpeg
from unmuted.media import probe as probing
from unmuted.media import wav as wav_module
from unmuted.media.encryption import find_encryption
from unmuted.media.ffmpeg import MediaError
from unmuted.media.probe import Limits, Probe, probe
from unmuted.media.sound import Source
from unmuted.media.survey import Survey
from unmuted.media.wav import Wav, read_wav

TONES = (440, 880, 1320)  # Hz, of the tracks
RATE = 16000


def write_tracks(path: Path, *options: object, codec: str = "flac") -> Path:
    """Write a clip of 2 s with three tracks, each a tone of its own."""
    sounds = [
        word
        for tone in TONES
        for word in ("-f", "lavfi", "-i", f"aevalsrc=0.5*sin(2*PI*{tone}*t):s=48000:d=2")
    ]
    run_ffmpeg(
        *("-f", "lavfi", "-i", "color=gray:size=64x64:rate=25:duration=2", *sounds),
        *("-map", "0:v", "-map", "1:a", "-map", "2:a", "-map", "3:a"),
        *("-c:v", "libx264", "-preset", "ultrafast", "-c:a", codec, *options, path),
    )
    return path


def flagged(*flags: str) -> list[object]:
    return [word for i, flag in enumerate(flags) for word in (f"-disposition:a:{i}", flag)]


def tone_of(wav: Wav) -> int:
    """The frequency of the loudest tone, in Hz."""
    return int(np.abs(np.fft.rfft(wav.samples[RATE // 2 : 3 * RATE // 2])).argmax())


def read(path: Path, *languages: str) -> Wav:
    return read_wav(path, probe(path), languages=languages)


@pytest.mark.parametrize(
    ("flags", "chosen"),
    [
        (("0", "0", "0"), 1),
        (("0", "default", "0"), 2),
        (("comment", "default", "0"), 2),
        (("default+comment", "0", "0"), 2),
        (("hearing_impaired", "visual_impaired", "0"), 3),
        (("dub", "0", "0"), 2),
        (("0", "0", "default+comment"), 1),
        (("default", "default", "default"), 1),
        (("comment", "comment", "default+comment"), 3),
    ],
)
def test_the_track_that_is_meant_for_everyone(
    flags: tuple[str, ...], chosen: int, tmp_path: Path
) -> None:
    clip = write_tracks(tmp_path / "clip.mkv", *flagged(*flags))
    wav = read(clip)
    assert tone_of(wav) == TONES[chosen - 1]
    assert wav.note.startswith(f"track {chosen} of 3")
    found = probe(clip)
    assert Probe(**json.loads(json.dumps(found.as_json()))) == found


@pytest.mark.parametrize("ending", ["mkv", "mp4", "ts"])
def test_preferred_languages(ending: str, tmp_path: Path) -> None:
    languages = [
        word
        for i, language in enumerate(("fra", "eng", "deu"))
        for word in (f"-metadata:s:a:{i}", f"language={language}")
    ]
    clip = write_tracks(tmp_path / f"clip.{ending}", *languages, codec="aac")
    assert tone_of(read(clip)) == TONES[0]
    assert tone_of(read(clip, "eng")) == TONES[1]
    assert tone_of(read(clip, "spa", "DEU", "eng")) == TONES[2]
    assert "track 2 of 3 (eng" in read(clip, "eng").note


def test_a_track_of_an_unknown_codec_hides_no_other(tmp_path: Path) -> None:
    clip = write_tracks(tmp_path / "clip.mkv", *flagged("default", "0", "0"))
    clip.write_bytes(clip.read_bytes().replace(b"A_FLAC", b"A_XXXX", 1))
    wav = read(clip)
    assert (tone_of(wav), wav.status) == (TONES[1], "ok")
    assert wav.note.startswith("track 2 of 3; another track cannot be used: ")
    clip.write_bytes(clip.read_bytes().replace(b"A_FLAC", b"A_XXXX"))
    wav = read(clip)
    assert (wav.status, wav.samples) == ("no_stream", None) and wav.warning


def test_an_empty_track_hides_no_other(tmp_path: Path) -> None:
    clip = write_tracks(
        tmp_path / "clip.mkv", *flagged("default", "0", "0"), "-filter:a:0", "aselect=0"
    )
    assert tone_of(read(clip)) == TONES[1]


@pytest.mark.parametrize(
    ("decoded", "chosen"),
    [
        # Per track: the share of the clip that can be decoded, and whether there are errors.
        ([(0.9, True), (1.0, False)], 1),  # enough of the preferred one
        ([(0.4, True), (0.2, False)], 2),  # what is left of a damaged track may be noise
        ([(0.4, True), (0.3, True), (0.1, False)], 3),
        ([(0.1, True), (0.3, True), (0.2, True)], 2),
        ([(0.1, True), (0.6, True), (1.0, False)], 2),
        ([(0.2, False), (1.0, False)], 1),
    ],
)
def test_a_track_without_errors_comes_before_more_of_a_damaged_one(
    decoded: list[tuple[float, bool]], chosen: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def survey(source: Source, channels: int | None) -> Survey:
        share, has_errors = decoded[source.track]
        error = "Invalid data" if has_errors else ""
        return Survey(int(share * source.length), 1, True, np.ones((2, 1, 1)), True, error)

    monkeypatch.setattr(wav_module, "survey", survey)
    found = read(write_tracks(tmp_path / "clip.mkv", *flagged("default", "0", "0")))
    assert tone_of(found) == TONES[chosen - 1]
    is_alone = chosen == 1 and len(decoded) == 2
    assert ("another track cannot be used: Invalid data" in found.note) == (not is_alone)


def is_encrypted(path: Path) -> bool:
    found = find_encryption(path)
    return bool(found.sound) or found.is_of_video(0)


KEY = ("-encryption_scheme", "cenc-aes-ctr", "-encryption_key", "76a6c65c5ea762046bd749a2e632ccbb")
KEY_ID = ("-encryption_kid", "a7e61c373e219033c21091fa607bf3b8")
FRAGMENTS = ("-movflags", "frag_keyframe+empty_moov")


@pytest.mark.parametrize("options", [(), FRAGMENTS])
def test_an_encrypted_video_is_refused(options: tuple[str, ...], tmp_path: Path) -> None:
    clip = write_tracks(tmp_path / "clip.mp4", *KEY, *KEY_ID, *options, codec="aac")
    with pytest.raises(MediaError) as caught:
        probe(clip)
    assert caught.value.status == "encrypted"


def test_encrypted_sound_is_refused_and_hides_no_other(tmp_path: Path) -> None:
    """Sample entries that are renamed; the clear sound behind them must not be read either."""
    clip = write_tracks(tmp_path / "clip.mp4", *flagged("default", "0", "0"), codec="aac")
    data = clip.read_bytes()
    begin = data.rindex(b"moov")
    movie = data[begin:]
    entry = b"mp4a\0\0\0\0\0\0\0\1"  # not the brand, nor the box in a QuickTime file
    assert movie.count(entry) == 3
    clip.write_bytes(data[:begin] + movie.replace(entry, b"enca" + entry[4:], 1))
    assert find_encryption(clip).sound == {0}
    wav = read(clip)
    assert tone_of(wav) == TONES[1] and "only be decoded with a key" in wav.note
    clip.write_bytes(data[:begin] + movie.replace(entry, b"enca" + entry[4:]))
    assert probe(clip).video_codec == "h264"
    with pytest.raises(MediaError) as caught:
        read(clip)
    assert caught.value.status == "encrypted"


def write_two_pictures(path: Path, *options: object) -> Path:
    """Write a clip whose first video stream is the film, gray, and the second a small preview."""
    run_ffmpeg(
        *("-f", "lavfi", "-i", "color=gray:size=320x240:rate=25:duration=1"),
        *("-f", "lavfi", "-i", "color=white:size=64x48:rate=25:duration=1"),
        *("-map", "0:v", "-map", "1:v", "-c:v", "libx264", "-preset", "ultrafast"),
        *("-disposition:v:1", "0", *options, path),
    )
    return path


ENTRY = b"avc1\0\0\0\0\0\0\0\1"  # of a track's sample description; the brand is followed by others


def rename_entry(path: Path, number: int) -> None:
    """Name the sample entry of a video track encrypted."""
    data = path.read_bytes()
    places = [match.start() for match in re.finditer(re.escape(ENTRY), data)]
    assert len(places) == 2
    path.write_bytes(data[: places[number]] + b"encv" + data[places[number] + 4 :])


def test_only_the_picture_that_is_shown_must_be_clear(tmp_path: Path) -> None:
    clip = write_two_pictures(tmp_path / "clip.mp4")
    whole = clip.read_bytes()
    rename_entry(clip, 1)
    found = probe(clip)
    assert (found.width, found.video_stream) == (320, 0)
    clip.write_bytes(whole)
    rename_entry(clip, 0)
    with pytest.raises(MediaError) as caught:  # and the preview is not read in its place
        probe(clip)
    assert caught.value.status == "encrypted"


def test_a_picture_that_cannot_be_decoded_is_not_replaced_by_an_encrypted_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decode = probing._decode

    def decode_but_the_first(path: Path, limits: Limits, stream: int, *others: bool) -> object:
        if stream == 0:
            raise MediaError("no_frames", "no picture of the film can be decoded")
        return decode(path, limits, stream, *others)

    monkeypatch.setattr(probing, "_decode", decode_but_the_first)
    clip = write_two_pictures(tmp_path / "clip.mp4")
    assert probe(clip).video_stream == 1
    rename_entry(clip, 1)
    with pytest.raises(MediaError, match="no picture of the film"):
        probe(clip)


def element(name: str, *content: bytes) -> bytes:
    data = b"".join(content)
    return bytes.fromhex(name) + (len(data) | 1 << 28).to_bytes(4, "big") + data


@pytest.mark.parametrize("kind", [1, 2])
def test_encrypted_matroska(kind: int, tmp_path: Path) -> None:
    """WebM as its encryption is specified: a ContentEncryption in the track's encodings."""
    encodings = element("6d80", element("6240", element("5035", element("47e1", b"\5"))))
    track = element("ae", element("83", bytes([kind])), encodings)
    clear = element("ae", element("83", b"\2"))
    head = element("1a45dfa3", element("4282", b"webm"))
    path = tmp_path / "clip.webm"
    path.write_bytes(head + element("18538067", element("1654ae6b", clear, track)))
    found = find_encryption(path)
    assert (found.sound, found.is_of_video(1)) == (({1}, False) if kind == 2 else (set(), True))


def test_a_scrambled_transport_stream_is_refused(tmp_path: Path) -> None:
    clip = write_tracks(tmp_path / "clip.ts", codec="mp2")
    assert not is_encrypted(clip)
    data = bytearray(clip.read_bytes())
    for start in range(0, len(data), 188):
        if data[start + 1] & 0x1F:  # the tables, which have small numbers, stay clear
            data[start + 3] |= 0x80
    clip.write_bytes(data)
    with pytest.raises(MediaError, match="encrypted"):
        probe(clip)


@pytest.mark.parametrize("cut", [0, 1, 7, 30, 100, 1000])
@pytest.mark.parametrize("ending", ["mp4", "mkv"])
def test_damaged_containers_are_left_to_the_decoder(ending: str, cut: int, tmp_path: Path) -> None:
    clip = write_tracks(tmp_path / f"clip.{ending}", codec="aac")
    data = clip.read_bytes()
    noise = np.random.default_rng(cut).integers(0, 256, 2000, np.uint8).tobytes()
    for damaged in (data[:cut], data[:cut] + noise, data[: len(data) - cut - 1]):
        clip.write_bytes(damaged)
        assert not is_encrypted(clip)


@pytest.mark.parametrize(
    "encryption",
    [
        "fbb3112223bdd211b4b700a0c955fc6e",  # Content Encryption Object
        "14e68a292226174cb935dae07ee9289c",  # Extended Content Encryption Object
    ],
)
def test_protected_windows_media_is_refused(encryption: str, tmp_path: Path) -> None:
    clip = write_tracks(tmp_path / "clip.wmv", "-c:v", "wmv2", codec="wmav2")
    assert not is_encrypted(clip)
    data = clip.read_bytes()
    clip.write_bytes(data[:30] + bytes.fromhex(encryption) + (24).to_bytes(8, "little") + data[30:])
    with pytest.raises(MediaError, match="encrypted"):
        probe(clip)


def box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", 8 + len(content)) + kind + content


def test_boxes_of_any_depth_and_size_end(tmp_path: Path) -> None:
    deep = b""
    for _ in range(3000):
        deep = box(b"mdia", deep)
    huge = b"\0\0\0\1mdat" + b"\xff" * 8
    for name, content in {"deep": deep, "huge": huge}.items():
        clip = tmp_path / f"{name}.mp4"
        clip.write_bytes(box(b"ftyp", b"isom") + box(b"moov", box(b"trak", content)) + huge)
        assert not is_encrypted(clip)
    segment = b"\x1a\x45\xdf\xa3\x80" + b"\x18\x53\x80\x67" + b"\x01" + b"\xfe" * 7
    (tmp_path / "huge.mkv").write_bytes(segment + b"\xec\x01" + b"\xfe" * 7)
    assert not is_encrypted(tmp_path / "huge.mkv")
