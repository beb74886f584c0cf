"""UCF101 as it is published: label and group from the name of the file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from small_project import changed, make_config
from unmuted.dataset.ucf101 import read_ucf101
from unmuted.dataset.videos import is_video_id
from unmuted.engine.dataset_identity import check_identity, record_identity
from unmuted.errors import UserError
from unmuted.pipeline.datasets import dataset_identity
from unmuted.pipeline.registry import open_run

CLIPS = ("v_Punch_g07_c01.avi", "v_Punch_g07_c02.avi", "v_TennisSwing_g07_c01.avi")


def origin_of(videos: Mapping[str, object]) -> dict[str, str]:
    """Identity of the dataset that a section `videos` names."""
    return dataset_identity({"videos": videos})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Some clips in folders of their classes, one at the top, one deeper."""
    for name in ("Punch/" + CLIPS[0], CLIPS[1], "train/TennisSwing/" + CLIPS[2]):
        (tmp_path / "UCF-101" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "UCF-101" / name).touch()
    return tmp_path / "UCF-101"


def test_the_names_say_class_and_group(folder: Path) -> None:
    found = {video.video_id: video for video in read_ucf101(folder).videos}
    assert [f"{name}.avi" for name in found] == list(CLIPS)
    assert [video.label for video in found.values()] == ["Punch", "Punch", "TennisSwing"]
    # Group 7 of one class is another source than group 7 of another.
    assert [v.group for v in found.values()] == ["Punch_g07", "Punch_g07", "TennisSwing_g07"]
    assert all(v.root == folder and v.split is None for v in found.values())
    assert all(v.path.is_file() for v in found.values())


@pytest.mark.parametrize(
    "name",
    [
        *("v_Punch_g07.avi", "Punch_g07_c01.avi", "v_Punch_g07_c01.mp4", "v_Punch_g07_c01.avi.txt"),
        *("v__g07_c01.avi", "v_Pun ch_g07_c01.avi", "v_Punch_gxx_c01.avi", "v_Punch_g٧_c01.avi"),
        *("trainlist01.txt", "v_" + "P" * 180 + "_g07_c01.avi", "v_a\nb_g07_c01.avi"),
    ],
)
def test_other_files_are_ignored_and_listed(folder: Path, name: str) -> None:
    (folder / "Punch" / name).touch()
    found = read_ucf101(folder)
    assert len(found.videos) == 3 and len(found.ignored) == 1
    assert found.ignored[0] == "Punch/" + name.replace("\n", "\\n")
    assert all(is_video_id(video.video_id) for video in found.videos)


def test_links_pipes_and_hidden_files_are_treated_as_in_a_folder(
    folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "v_Punch_g09_c01.avi").touch()
    (folder / "more").symlink_to(tmp_path / "elsewhere")
    (folder / ".v_Punch_g07_c03.avi").touch()
    os.mkfifo(folder / "Punch" / "v_Punch_g07_c04.avi")  # a finding of the probe, never opened here
    found = read_ucf101(folder)
    assert len(found.videos) == 4
    assert found.ignored == ("more (a link; videos.follow_links is off)",)
    assert len(read_ucf101(folder, follow_links=True).videos) == 5


# --- refused in words -----------------------------------------------------------------------------


def test_a_folder_without_such_files(tmp_path: Path) -> None:
    (tmp_path / "boxing.avi").touch()
    with pytest.raises(UserError) as error:
        read_ucf101(tmp_path)
    text = str(error.value)
    assert f"videos.ucf101: no video file in {tmp_path}; expected files v_<Class>_g<NN>" in text
    assert "not taken for a video: boxing.avi" in text


def test_a_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"videos\.ucf101: .*/absent is not a folder .*UCF-101"):
        read_ucf101(tmp_path / "absent")


def test_one_clip_in_two_folders(folder: Path) -> None:
    (folder / CLIPS[0]).touch()
    with pytest.raises(
        UserError, match=r"videos\.ucf101 [^:]*: 1 problem\(s\):\n.* both have the video id"
    ):
        read_ucf101(folder)


def test_a_folder_that_cannot_be_listed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scandir = os.scandir

    def refuse(path: str):
        if str(path).endswith("Punch"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)  # root may list everything
    with pytest.raises(UserError, match=r"videos\.ucf101: cannot list .*Punch: Permission denied"):
        read_ucf101(folder)


# --- as the source of a run -----------------------------------------------------------------------


def ucf101_config(folder: Path, tmp_path: Path) -> dict[str, object]:
    config = make_config(tmp_path, {})
    return changed(config, "videos", {"source": "ucf101", "ucf101": str(folder)})


def test_a_run_over_it_keeps_groups_together(folder: Path, tmp_path: Path) -> None:
    for label in ("Punch", "TennisSwing"):
        for group in range(8, 20):
            for clip in range(1, 4):
                (folder / f"v_{label}_g{group:02d}_c{clip:02d}.avi").touch()
    project = open_run(ucf101_config(folder, tmp_path))
    assert len(project.dataset.videos) == 3 + 72 and project.dataset.listing.classes == [
        "Punch",
        "TennisSwing",
    ]
    assert not project.dataset.is_generated
    homes: dict[str, set[str]] = {}
    for video in project.dataset.listing.videos:
        homes.setdefault(video.group, set()).add(project.dataset.splits[video.video_id])
    assert len(homes) == 26 and all(len(splits) == 1 for splits in homes.values())
    project.check_experiment()


def test_the_key_is_required(tmp_path: Path) -> None:
    config = changed(ucf101_config(tmp_path, tmp_path), "videos", {"source": "ucf101"})
    with pytest.raises(UserError, match=r"source 'ucf101' needs the key videos\.ucf101"):
        open_run(config)


def test_its_results_are_not_taken_for_those_of_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    note = Path("results/.source.json")
    record_identity(note, origin_of({"source": "ucf101", "ucf101": "videos"}))
    check_identity(note, origin_of({"source": "ucf101", "ucf101": str(tmp_path / "videos")}))
    with pytest.raises(UserError, match=r"belongs to ucf101 videos, .*names folder videos"):
        check_identity(note, origin_of({"source": "folder", "folder": "videos"}))
