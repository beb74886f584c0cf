"""Where a configuration says that its videos are: home folders, variables, and other spellings."""

from __future__ import annotations

from pathlib import Path

import pytest

from small_project import changed, make_config
from unmuted.errors import UserError
from unmuted.pipeline.datasets import dataset_identity
from unmuted.pipeline.registry import open_run


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """Videos in ~/videos, listed in ~/m.csv too."""
    config = make_config(tmp_path, {"a": "cats", "b": "dogs"})
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("CLIPS", "videos")
    names = [path.relative_to(tmp_path) for path in (tmp_path / "videos").rglob("*.mp4")]
    lines = [f"{name},{name.parent.name}" for name in names]
    (tmp_path / "m.csv").write_text("\n".join(["path,label", *lines, ""]))
    return config


@pytest.mark.parametrize(
    "videos",
    [
        {"source": "folder", "folder": "~/videos"},
        {"source": "folder", "folder": "$HOME/videos/"},
        {"source": "folder", "folder": "${HOME}/$CLIPS"},
        {"source": "manifest", "manifest": "~/m.csv"},
        {"source": "manifest", "manifest": "$HOME/m.csv", "root": "~"},
    ],
    ids=range(5),
)
def test_home_and_variables_are_put_in(
    config: dict[str, object], tmp_path: Path, videos: dict[str, str]
) -> None:
    run = open_run(changed(config, "videos", videos))
    found = {name: (video.label, video.file) for name, video in run.dataset.videos.items()}
    assert {name: label for name, (label, _) in found.items()} == {"a": "cats", "b": "dogs"}
    assert all(path.is_file() and path.is_relative_to(tmp_path) for _, path in found.values())
    plain = {key: value.replace("~", str(tmp_path)) for key, value in videos.items()}
    assert dataset_identity({"videos": videos})["path"].startswith(str(tmp_path))
    if videos["source"] == "manifest" and "$" not in videos["manifest"]:
        assert dataset_identity({"videos": videos}) == dataset_identity({"videos": plain})


@pytest.mark.parametrize(
    ("videos", "expected"),
    [
        ({"source": "folder", "folder": "$UNSET/v"}, "videos.folder: there is no $UNSET/v; the"),
        ({"source": "folder", "folder": "{home}/Videos"}, "there is {home}/videos"),
        ({"source": "manifest", "manifest": "{home}/M.csv"}, "videos.manifest: there is no {home}"),
        ({"source": "folder", "folder": "{home}\\videos"}, "backslashes do not separate folders"),
        ({"source": "ucf101", "ucf101": "~nobody-here/u"}, "~nobody-here is the home folder of"),
        ({"source": "folder", "folder": "{home}/absent"}, "absent is not a folder"),
    ],
    ids=range(6),
)
def test_a_place_that_is_not_there_says_what_is(
    config: dict[str, object], tmp_path: Path, videos: dict[str, str], expected: str
) -> None:
    given = {key: value.format(home=tmp_path) for key, value in videos.items()}
    with pytest.raises(UserError) as error:
        open_run(changed(config, "videos", given)).check()
    assert expected.format(home=tmp_path) in str(error.value)


def test_a_folder_in_another_normal_form_is_found(
    config: dict[str, object], tmp_path: Path
) -> None:
    (tmp_path / "videos").rename(tmp_path / "cafe\u0301")
    videos = {"source": "folder", "folder": f"{tmp_path}/caf\u00e9"}
    assert set(open_run(changed(config, "videos", videos)).dataset.videos) == {"a", "b"}
