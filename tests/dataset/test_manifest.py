"""A manifest: five columns, one of them required, and every bad row in words."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from unmuted.dataset.manifest import read_manifest
from unmuted.dataset.videos import check_experiment
from unmuted.errors import UserError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a.mp4", "b.mp4", "sub/a.mp4", " spaced .mp4"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


def write(folder: Path, content: str | bytes) -> Path:
    data = content if isinstance(content, bytes) else content.encode()
    (folder / "m.csv").write_bytes(data)
    return folder / "m.csv"


def read(folder: Path, content: str | bytes, **columns: str):
    return read_manifest(write(folder, content), None, columns)


def message(folder: Path, content: str | bytes, **columns: str) -> str:
    with pytest.raises(UserError) as error:
        read(folder, content, **columns)
    text = str(error.value)
    assert "m.csv" in text
    text.encode("utf-8")  # it must reach the terminal
    return text


def test_a_path_is_enough(folder: Path) -> None:
    (only,) = read(folder, "path\na.mp4\n").videos
    assert (only.video_id, only.label, only.split, only.group) == ("a", None, None, "a")
    assert only.path == folder / "a.mp4"


def test_all_columns_and_further_ones(folder: Path) -> None:
    (one, two) = read(
        folder,
        "\ufeffpath,label,video_id,split,group,camera\n"
        'sub/a.mp4, dog ,one,train,film,"left, 2"\n'
        " spaced .mp4,,,,,\n",
    ).videos
    assert (one.video_id, one.label, one.split, one.group) == ("one", "dog", "train", "film")
    assert one.extra == {"camera": "left, 2"}
    assert two.label is None and two.path == folder / " spaced .mp4"


def test_a_unit_that_cannot_name_a_folder_is_refused(folder: Path) -> None:
    (only,) = read(folder, "path,unit\na.mp4,match-1\n").videos
    assert (only.unit, only.extra) == ("match-1", {})
    assert "line 2: unit '../x' is not allowed" in message(folder, "path,unit\na.mp4,../x\n")


def test_columns_by_other_names(folder: Path) -> None:
    content = "file,class,note\na.mp4,dog,unused\n"
    (only,) = read(folder, content, path="file", label="class").videos
    assert only.label == "dog"
    assert only.extra == {"note": "unused"}


def test_columns_may_swap_their_names(folder: Path) -> None:
    content = "path,group,label\na.mp4,dog,film\n"
    (only,) = read(folder, content, label="group", group="label").videos
    assert (only.label, only.group, only.extra) == ("dog", "film", {})


def test_an_index_column_without_a_name_is_kept(folder: Path) -> None:
    """As pandas writes it."""
    (only,) = read(folder, ",path,label\n0,a.mp4,dog\n").videos
    assert only.label == "dog" and only.extra == {"": "0"}


@pytest.mark.parametrize(
    "content",
    [
        "path, label\na.mp4, dog\nb.mp4, cat\n",
        "label, path\ndog, a.mp4\ncat, b.mp4\n",
        'path, label\n"a.mp4", "dog"\n"b.mp4", "cat"\n',
        " path ,\tlabel\na.mp4,dog\nb.mp4,cat \n",
        "path,label,,\na.mp4,dog,,\nb.mp4,cat,,\n",
        "path,,label\na.mp4,,dog\nb.mp4,,cat\n",
        "path,label,,\na.mp4,dog\nb.mp4,cat,\n",
        "path,label\na.mp4,dog,,\nb.mp4,cat,,\n",
        "path,label\na.mp4,dog\nb.mp4,cat\n,\n,,\n  ,\n",
        ",\npath,label\na.mp4,dog\nb.mp4,cat\n",
        "path;label\na.mp4;dog\nb.mp4;cat\n",
        "sep=;\r\npath;label\r\na.mp4;dog\r\nb.mp4;cat\r\n",
        "path\tlabel\na.mp4\tdog\nb.mp4\tcat\n",
        "\ufeffpath;label\r\na.mp4;dog\r\nb.mp4;cat\r\n",
        "path,label\ra.mp4,dog\rb.mp4,cat\r",
        "path,label\na.mp4,dog\nb.mp4,cat\n".encode("utf-16"),
        "path\tlabel\r\na.mp4\tdog\r\nb.mp4\tcat\r\n".encode("utf-16"),
        "path,label\na.mp4,dog\nb.mp4,cat\n".encode("utf-16-le"),
        "path,label\na.mp4,dog\nb.mp4,cat\n".encode("utf-16-be"),
        'path,label,note\na.mp4,dog,"two\nlines"\nb.mp4,cat,"a, ""b"""\n',
        '"path","label"\n"a.mp4","dog"\n"b.mp4","cat"\n',
    ],
    ids=range(21),
)
def test_tables_as_people_and_spreadsheets_write_them(folder: Path, content: str | bytes) -> None:
    videos = read(folder, content).videos
    assert [(one.path, one.label) for one in videos] == [
        (folder / "a.mp4", "dog"),
        (folder / "b.mp4", "cat"),
    ]
    assert all("" not in one.extra for one in videos)


def test_names_of_columns_are_stripped_in_the_configuration_too(folder: Path) -> None:
    (only,) = read(folder, "path, class \na.mp4,dog\n", label=" class").videos
    assert only.label == "dog"


def test_lines_are_counted_from_the_top_of_the_file(folder: Path) -> None:
    text = message(folder, "sep=;\n\npath;label\na.mp4;x\n\nabsent.mp4;x\n")
    assert "line 6: no file" in text


def test_home_and_variables_are_put_in(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("CLIPS", str(folder / "sub"))
    videos = read(folder, "path,video_id\n~/a.mp4,1\n$HOME/b.mp4,2\n${CLIPS}/a.mp4,3\n").videos
    found = [video.path for video in videos]
    assert found == [folder / "a.mp4", folder / "b.mp4", folder / "sub" / "a.mp4"]
    (folder / "$HOME").mkdir()
    (folder / "$HOME" / "a.mp4").touch()  # a name like any other
    (only,) = read(folder, "path\n$HOME/a.mp4\n").videos
    assert only.path == folder / "$HOME" / "a.mp4"


def test_a_name_in_another_normal_form_is_found(folder: Path) -> None:
    (folder / "cafe\u0301").mkdir()
    (folder / "cafe\u0301" / "\u00e9.mp4").touch()
    (only,) = read(folder, "path\ncaf\u00e9/e\u0301.mp4\n").videos
    assert only.path == folder / "cafe\u0301" / "\u00e9.mp4" and only.path.exists()
    (folder / "caf\u00e9").mkdir()
    (folder / "caf\u00e9" / "e\u0301.mp4").touch()
    (only,) = read(folder, "path\ncaf\u00e9/e\u0301.mp4\n").videos
    assert only.path == folder / "caf\u00e9" / "e\u0301.mp4"  # the one that is meant


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("sub\\a.mp4", "backslashes do not separate folders here: write sub/a.mp4, which is there"),
        ("sub\\x.mp4", "backslashes do not separate folders here: write sub/x.mp4"),
        ("C:\\clips\\a.mp4", "a path of Windows: give its path on this machine"),
        ("A.mp4", "there is {folder}/a.mp4"),
        ("sub/a.MP4", "there is {folder}/sub/a.mp4"),
        ("SUB/a.avi", "there is {folder}/sub/a.mp4"),
        ("sub/a", "there is {folder}/sub/a.mp4"),
        ("$NOT_SET/a.mp4", "the environment variable NOT_SET is not set"),
        ("~nobody-here/a.mp4", "~nobody-here is the home folder of nobody"),
        ("https://example.org/a.mp4", "give the path of a file, not a URL"),
        ("sub/absent.mp4", "no file {folder}/sub/absent.mp4\n"),
    ],
)
def test_a_path_to_nothing_says_what_is_there(folder: Path, path: str, hint: str) -> None:
    text = message(folder, f"path\n{path}\n") + "\n"
    assert hint.format(folder=folder) in text and "line 2: no file" in text


def test_files_that_are_all_missing_mean_another_root(folder: Path) -> None:
    text = message(folder, "path\nx/a.mp4\nx/b.mp4\n")
    assert f"none of its files is there; paths start at videos.root, {folder}" in text
    with pytest.raises(UserError, match=r"videos\.root: .*/absent is not a folder"):
        read_manifest(write(folder, "path\na.mp4\n"), folder / "absent", {})


def test_a_label_column_without_a_label_stops_experiments_by_name(folder: Path) -> None:
    found = read(folder, "path,label\na.mp4,\nb.mp4, \n")
    assert "the label column 'label' is empty in all rows" in found.notes[0]
    with pytest.raises(
        UserError, match=r"found none \(.*m\.csv: the label column 'label' is empty"
    ):
        check_experiment(found)
    found = read(folder, "path,class\na.mp4,x\n")
    assert found.notes == ()
    with pytest.raises(UserError, match=r"there is no column 'label'; its columns are path, class"):
        check_experiment(found)


def test_folders_of_splits_without_a_column_are_pointed_out(folder: Path) -> None:
    for split in ("train", "test"):
        (folder / split).mkdir()
        (folder / split / f"{split}.mp4").touch()
    rows = "path,label{}\ntrain/train.mp4,x{}\ntest/test.mp4,y{}\n"
    (note,) = read(folder, rows.format("", "", "")).notes
    assert "the folders test, train are not taken for splits" in note
    assert read(folder, rows.format(",split", ",train", ",test")).notes == ()


def test_paths_start_at_the_root_or_are_absolute(folder: Path) -> None:
    manifest = write(folder, f"path\na.mp4\n{folder}/b.mp4\n")
    (folder / "sub" / "b.mp4").touch()
    videos = read_manifest(manifest, folder / "sub", {}).videos
    assert [video.path for video in videos] == [folder / "sub" / "a.mp4", folder / "b.mp4"]


def test_files_that_all_lie_elsewhere_mean_another_root(folder: Path, tmp_path: Path) -> None:
    (folder / "lists").mkdir()
    (folder / "sub" / "b.mp4").symlink_to("../b.mp4")
    manifest = folder / "lists" / "m.csv"
    manifest.write_text(f"path\n{folder}/a.mp4\n{folder}/b.mp4\n")
    with pytest.raises(UserError, match=r"none of its files lies in .*lists.*set videos\.root"):
        read_manifest(manifest, None, {})
    with pytest.raises(UserError, match=r"none of its files lies in .*sub.*videos\.follow_links"):
        read_manifest(write(folder, "path\nb.mp4\n"), folder / "sub", {})
    assert len(read_manifest(manifest, folder, {}).videos) == 2
    assert len(read_manifest(manifest, None, {}, follow_links=True).videos) == 2
    (folder / "lists" / "c.mp4").touch()
    manifest.write_text(manifest.read_text() + "c.mp4\n")
    assert len(read_manifest(manifest, None, {}).videos) == 3  # the ledger has the other two


def test_names_that_are_not_utf8(folder: Path) -> None:
    name = b"not_utf8_\xff.mp4"
    (folder / os.fsdecode(name)).touch()
    (only,) = read(folder, b"path,note\n" + name + b",caf\xe9\n").videos
    assert os.fsencode(only.path).endswith(name)
    assert only.video_id.isascii()


# --- refused in words ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("file\na.mp4\n", "expected a column 'path', found file; separate columns by commas"),
        (
            "file;label\na.mp4;x\n",
            "expected a column 'path', found file;label; separate columns by",
        ),
        ("Path,label\na.mp4,x\n", "expected a column 'path', found Path, label"),
        ("path,Label\na.mp4,x\n", "its column 'Label' is not read: rename it 'label', or name it"),
        ("path,la\u200bbel\na.mp4,x\n", "its column 'la\\u200bbel' is not read: rename it 'label'"),
        ("path,,\na.mp4,x,y\n", "the column '' occurs twice: give the columns without a name one"),
        (b"PK\x03\x04...", "this is a workbook of a spreadsheet; save it as CSV (UTF-8)"),
        (b"\xff\xfep\0a\0t\0h", "begins like UTF-16 and is not"),
        ("", "expected a column 'path', found "),
        ("path\n", "expected at least one row, found only the header"),
        ("path,label,label\na.mp4,x,y\n", "the column 'label' occurs twice"),
        ("path\nabsent.mp4\n", "line 2: no file"),
        ("path\n\n\nabsent.mp4\n", "line 4: no file"),
        ('path,label\na.mp4,"x\ny"\n', "line 3: label 'x\\ny': not one printable line"),
        ("path,label\na.mp4\n", "line 2: more or fewer fields than the header names"),
        ("path,label\na.mp4,x,y\n", "line 2: more or fewer fields than the header names"),
        ("path,label\n,x\n", "line 2: empty path"),
        ("path\na\0.mp4\n", "line 2: no file"),
        ("path,video_id\na.mp4,../x\n", "line 2: video_id '../x' is not allowed"),
        ("path,video_id\na.mp4,a/b\n", "line 2: video_id 'a/b' is not allowed"),
        ("path,video_id\na.mp4,x.ledger.csv\n", "video_id 'x.ledger.csv' is not allowed"),
        (
            "path,split\na.mp4,training\n",
            "line 2: split 'training' is none of train, val, test; write train",
        ),
        ("path,split\na.mp4,Val\n", "line 2: split 'Val' is none of train, val, test; write val"),
        ("path,group\na.mp4,\x1b[31m\n", "line 2: group '\\x1b[31m': not one printable line"),
        (
            b"path,label\na.mp4,caf\xe9\n",
            "not one printable line of at most 200 characters; save the table as CSV (UTF-8)",
        ),
        (b"path\ncaf\xe9.mp4\n", "caf\\xe9.mp4; it is not UTF-8: save the table as CSV (UTF-8)"),
        ("path,label\na.mp4," + "x" * 201 + "\n", "not one printable line of at most 200"),
        ('path\n"a.mp4\n', "not a valid CSV file: unexpected end of data"),
        ("path\na.mp4\nsub/a.mp4\n", "sub/a.mp4 both have the video id 'a'"),
        ("path,video_id\na.mp4,Same\nb.mp4,same\n", "both have the video id 'same'"),
    ],
)
def test_a_bad_table(folder: Path, content: str | bytes, expected: str) -> None:
    assert expected in message(folder, content)


def test_all_bad_rows_are_listed_at_once(folder: Path) -> None:
    text = message(folder, "path,split\nx.mp4,\ny.mp4,\na.mp4,dev\n")
    assert "3 problem(s)" in text
    assert all(f"line {line}:" in text for line in (2, 3, 4))


def test_a_configured_column_that_is_missing(folder: Path) -> None:
    text = message(folder, "path\na.mp4\n", label="class")
    assert "videos.columns.label names a column 'class' that it lacks" in text


def test_a_column_beside_the_one_that_takes_its_name(folder: Path) -> None:
    """results/videos.csv would have two columns `label`."""
    text = message(folder, "path,label,action\na.mp4,x,dog\n", label="action")
    assert "its column 'label' is not the one that videos.columns.label names, 'action'" in text


def test_a_column_with_two_meanings(folder: Path) -> None:
    text = message(folder, "path,label\na.mp4,dog\n", group="label")
    assert "videos.columns names the column 'label' twice" in text


def test_a_missing_manifest(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"cannot read .*absent\.csv: No such file"):
        read_manifest(tmp_path / "absent.csv", None, {})


def test_a_folder_in_its_place(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="Is a directory"):
        read_manifest(tmp_path, None, {})


def test_the_videos_of_a_unit_are_of_one_source(folder: Path) -> None:
    """Else the halves of a match would be tested by a model that was trained on the other half."""
    rows = "path,label,unit\na.mp4,x,match\nb.mp4,y,match\nsub/a.mp4,x,other\n"
    videos = read(folder, rows.replace("sub/a.mp4", " spaced .mp4")).videos
    assert [video.group for video in videos if video.unit == "match"] == ["match", "match"]
    given = "path,label,group,unit\na.mp4,x,g,match\nb.mp4,y,h,match\n"
    with pytest.raises(UserError, match="unit 'match' has videos of the groups g, h"):
        check_experiment(read(folder, given))


@pytest.mark.parametrize(
    ("units", "words"),
    [
        (("Match", "match"), "the units 'Match' and 'match' differ only in case"),
        (("B", ""), "the unit 'B' has the name of the video 'b', which is not part of it"),
    ],
)
def test_units_that_could_be_confused_are_refused(
    folder: Path, units: tuple[str, str], words: str
) -> None:
    rows = "".join(f"{name}.mp4,{unit}\n" for name, unit in zip("ab", units, strict=True))
    assert words in message(folder, f"path,unit\n{rows}")


def test_a_unit_may_have_the_name_of_a_video_of_its_own(folder: Path) -> None:
    videos = read(folder, "path,unit\na.mp4,a\nb.mp4,a\n").videos
    assert [video.unit for video in videos] == ["a", "a"]


def test_a_long_field_is_cut_in_the_message(folder: Path) -> None:
    with pytest.raises(UserError) as error:
        read(folder, b"path,label\na.mp4," + b"secret" * 20_000 + b"\n")
    assert len(str(error.value)) < 900
    assert "line 2: label 'secret" in str(error.value) and "printable line" in str(error.value)
