"""Damaged and hostile files beside good ones: rows in the ledgers, and nothing else happens."""

from __future__ import annotations

import os
import shutil
import tarfile
from pathlib import Path

import pytest

from media.test_damaged import REFUSED
from runs.corpus import PER_CLIP, Corpus, contents
from unmuted.dataset.videos import video_id_from_name
from unmuted.text import printable

pytestmark = pytest.mark.workflow
DAMAGED = ("truncated_half", "corrupt_middle")
GOOD = 6  # clips beside the bad files
WITHOUT_STREAM = ("video_only", "one_frame")


@pytest.fixture
def hostile(built: Corpus, shared: Path, tmp_path: Path) -> Corpus:
    """A folder of class folders with good clips of the demo, and every bad file directly in it."""
    corpus = built.copy(tmp_path / "work")
    shutil.rmtree(corpus.results)
    folder = corpus.folder / "data"
    for clip in sorted((built.results / "clips").rglob("*.mp4"))[:GOOD]:
        target = folder / "good" / clip.name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(clip, target)
    for path in sorted((shared / "bad_media").glob("*.*")):
        if path.suffix in (".mp4", ".webm"):
            # the WebM and the MP4 of one name would have one id, which is an error of its own
            shutil.copy(path, folder / path.name.replace("77.webm", "77_vp9.webm"))
    with tarfile.open(shared / "bad_media" / "names.tar") as archive:
        archive.extractall(folder, filter="data")
    (tmp_path / "outside.mp4").write_bytes((shared / "bad_media" / "video_only.mp4").read_bytes())
    (folder / "link_out.mp4").symlink_to(tmp_path / "outside.mp4")
    (folder / "link_loop.mp4").symlink_to(folder / "link_loop.mp4")
    (folder / "bad" / "folder.mp4").mkdir(parents=True)
    os.mkfifo(folder / "pipe.mp4")
    corpus.change_config(videos={"source": "folder", "folder": "data"}, videos_per_shard=64)
    return corpus


def left_over(corpus: Corpus) -> list[Path]:
    return [path for path in corpus.results.rglob("*") if ".tmp" in path.name]


def test_every_file_is_a_row_and_good_videos_are_unaffected(hostile: Corpus, built: Corpus) -> None:
    files = [path for path in (hostile.folder / "data").iterdir() if path.suffix]
    hostile.run("features")
    rows = {stage: hostile.rows(stage) for stage in PER_CLIP}
    for path in files:
        assert video_id_from_name(path.stem) in rows["mapping"], printable(path)
    statuses = {name: row.status for name, row in rows["probe"].items()}
    for name, status in REFUSED.items():
        assert statuses[Path(name).stem] == status, name
        assert rows["mapping"][Path(name).stem].status == status, name
    assert statuses["link_out"] == "outside_folder"
    assert statuses["link_loop"] == "link_loop"
    assert statuses["pipe"] == statuses["folder"] == "not_a_file"
    for name in DAMAGED:
        assert rows["frames"][name].status == "damaged"
        assert " of 75 frames" in rows["frames"][name].reason
        assert rows["mapping"][name].has_artifact
    for name in WITHOUT_STREAM:
        assert rows["wav"][name].status == rows["ast"][name].status == "no_stream"
    assert rows["wav"]["silent_audio"].status == rows["ast"]["silent_audio"].status == "silent"
    names = [row for name, row in rows["mapping"].items() if name.startswith("UPPER")]
    assert names and all(row.status == "ok" for row in names)
    assert left_over(hostile) == []

    found, theirs = (contents(one.artifacts(*PER_CLIP)) for one in (hostile, built))
    good = {name: digest for name, digest in theirs.items() if name in found}
    assert len(good) > GOOD * (len(PER_CLIP) - 1)
    assert {name: found[name] for name in good} == good
    assert "Nothing to be done" in hostile.run("features").stderr
