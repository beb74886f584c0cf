"""Results of one source are not taken for leftovers of another."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from small_project import make_config
from unmuted.dataset.videos import Video
from unmuted.engine.dataset_identity import check_identity, record_identity
from unmuted.errors import UserError
from unmuted.pipeline.datasets import dataset_identity

FOLDER = {"source": "folder", "folder": "videos"}
OTHERS = [
    {"source": "folder", "folder": "more"},
    {"source": "manifest", "manifest": "videos"},
    {"source": "demo", "demo": {"kind": "plain", "clips_per_class": 6}},
]


def origin_of(videos: Mapping[str, object]) -> dict[str, str]:
    """Identity of the dataset that a section `videos` names."""
    return dataset_identity({"videos": videos})


@pytest.fixture
def note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return Path("results/.source.json")


@pytest.mark.parametrize("other", OTHERS, ids=lambda videos: videos["source"])
def test_another_source_is_refused(note: Path, other: dict[str, object]) -> None:
    record_identity(note, origin_of(FOLDER))
    check_identity(note, origin_of(FOLDER))
    with pytest.raises(UserError, match=r"belongs to folder videos, .*another folder with --dir"):
        record_identity(note, origin_of(other))
    check_identity(note, origin_of(FOLDER))


def test_the_same_source_may_be_named_in_other_words(note: Path, tmp_path: Path) -> None:
    record_identity(note, origin_of(FOLDER))
    check_identity(note, origin_of({"source": "folder", "folder": str(tmp_path / "x/../videos")}))
    check_identity(note, origin_of({**FOLDER, "max_seconds": 5}))


def test_the_demo_is_one_source_whatever_its_size(note: Path) -> None:
    record_identity(note, origin_of({"source": "demo", "demo": {"kind": "cued", "seed": 1}}))
    check_identity(note, origin_of({"source": "demo", "demo": {"kind": "cued", "seed": 2}}))


def test_a_copied_working_directory_keeps_its_results(
    note: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside, outside = origin_of(FOLDER), {"source": "folder", "folder": str(tmp_path.parent)}
    record_identity(note, inside)
    shutil.copytree(tmp_path / "results", tmp_path / "copy" / "results")
    monkeypatch.chdir(tmp_path / "copy")
    check_identity(note, origin_of(FOLDER))
    assert origin_of(outside)["path"] == str(tmp_path.parent)


def test_a_note_without_a_source_vouches_for_nothing(note: Path) -> None:
    note.parent.mkdir()
    note.write_text("{}")
    with pytest.raises(UserError, match="or delete results/"):
        check_identity(note, origin_of(FOLDER))


def videos_in(folder: Path, count: int = 20, content: str = "") -> dict[str, Video]:
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        path = folder / f"v{number}.mp4"
        if not path.exists():
            path.write_text(f"{content}{number:03d}")
    paths = sorted(folder.iterdir())
    return {path.stem: Video(path.stem, path, None, None, "g", root=folder) for path in paths}


def test_a_dataset_that_was_moved_as_a_whole_goes_on(note: Path) -> None:
    """Also with videos that came, and a few that left; afterwards it is known by its new place."""
    record_identity(note, origin_of(FOLDER), videos_in(Path("videos")))
    shutil.copytree("videos", "other/place")
    moved = {"source": "folder", "folder": "other/place"}
    Path("other/place/v3.mp4").unlink()
    Path("other/place/more.mp4").write_text("more")
    record_identity(note, origin_of(moved), videos_in(Path("other/place"), 0))
    assert json.loads(note.read_text())["path"] == "other/place"
    check_identity(note, origin_of(moved))


@pytest.mark.parametrize("other", ["names", "sizes", "bytes", "half", "nothing"])
def test_another_dataset_is_refused_although_its_names_are_alike(note: Path, other: str) -> None:
    record_identity(note, origin_of(FOLDER), videos_in(Path("videos")))
    videos = {
        "names": lambda: {f"other{name}": one for name, one in videos_in(Path("videos")).items()},
        "sizes": lambda: videos_in(Path("more"), content="longer"),
        "bytes": lambda: {
            name: videos_in(Path("videos"))[f"v{19 - int(name[1:])}"]
            for name in videos_in(Path("videos"))
        },
        "half": lambda: dict(list(videos_in(Path("videos")).items())[:10]),
        "nothing": dict,
    }[other]()
    for identify in (check_identity, record_identity):
        with pytest.raises(UserError, match="would be those of videos that left"):
            identify(note, origin_of(OTHERS[0]), videos)


def test_a_file_of_a_moved_dataset_has_the_same_stamp(tmp_path: Path) -> None:
    before = videos_in(tmp_path / "videos", 1)["v0"].stamp()
    (tmp_path / "videos").rename(tmp_path / "moved")
    assert videos_in(tmp_path / "moved", 0)["v0"].stamp() == before
    (tmp_path / "moved" / "v0.mp4").rename(tmp_path / "moved" / "v1.mp4")
    assert videos_in(tmp_path / "moved", 0)["v1"].stamp() != before


@pytest.mark.workflow
def test_a_run_leaves_the_note_and_another_configuration_is_refused_before_any_job(
    repository: Path, tmp_path: Path
) -> None:
    def run(config: dict[str, object], *options: str) -> subprocess.CompletedProcess[str]:
        (tmp_path / "config.json").write_text(json.dumps(config))
        where = ["--directory", str(tmp_path), "--configfile", str(tmp_path / "config.json")]
        command = [sys.executable, "-m", "snakemake", "results/videos.csv", "--cores", "1", *where]
        return subprocess.run([*command, *options], cwd=repository, capture_output=True, text=True)

    labels = {f"{label}{i}": label for label in ("cats", "dogs") for i in range(5)}
    config = make_config(tmp_path, labels)
    # Not at hand, and no job of this run needs it.
    config["models"]["vit"] = {"id": "no-one/nothing", "revision": "0" * 40}
    assert run(config, "-n").returncode == 0
    assert not (tmp_path / "results/.source.json").exists()
    assert run(config).returncode == 0
    recorded = json.loads((tmp_path / "results/.source.json").read_text())
    sample = recorded.pop("sample")
    assert recorded == {"source": "folder", "path": "videos"} and set(sample) == set(labels)
    table = (tmp_path / "results/videos.csv").read_bytes()
    for options in (["-n"], []):
        refused = run({**config, "videos": {"source": "demo"}}, *options)
        text = refused.stdout + refused.stderr
        assert refused.returncode != 0 and "Traceback" not in text
        assert "results/ belongs to folder videos" in text
        assert (tmp_path / "results/videos.csv").read_bytes() == table


@pytest.mark.parametrize("content", [b"", b"\0" * 40, b"[]", b"{"])
def test_an_unreadable_note_is_named_and_need_only_be_deleted(note: Path, content: bytes) -> None:
    note.parent.mkdir(exist_ok=True)
    note.write_bytes(content)
    with pytest.raises(UserError, match=r"source\.json: .* delete this one file"):
        check_identity(note, origin_of(FOLDER))
    note.unlink()
    record_identity(note, origin_of(FOLDER))


def test_a_link_in_the_place_of_the_note_is_not_followed(note: Path, tmp_path: Path) -> None:
    (tmp_path / "other").write_text('{"secret": 1}')
    note.parent.mkdir(exist_ok=True)
    note.symlink_to(tmp_path / "other")
    with pytest.raises(UserError, match="found a link") as error:
        check_identity(note, origin_of(FOLDER))
    assert "secret" not in str(error.value)
