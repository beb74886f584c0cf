"""Names that look the same are refused as labels, with both spellings."""

from __future__ import annotations

from pathlib import Path

import pytest

from unmuted.dataset.alike import alike_problems, canonical_spelling, spelled_alike
from unmuted.dataset.folder import read_folder
from unmuted.dataset.manifest import read_manifest
from unmuted.dataset.ucf101 import read_ucf101
from unmuted.errors import UserError


@pytest.mark.parametrize(
    ("one", "other", "difference"),
    [
        ("dogs", "Dogs", "case"),
        ("dogs", "dogs ", "spaces"),
        ("ice hockey", "ice  hockey", "spaces"),
        ("ice hockey", "icehockey", "spaces"),
        ("ice hockey", "ice\u00a0hockey", "their Unicode form"),
        ("caf\u00e9", "cafe\u0301", "their Unicode form"),
        ("CAF\u00c9", "cafe\u0301", "case"),
        ("file", "\ufb01le", "their Unicode form"),
        ("dogs", "do\u200bgs", "case, spaces or Unicode form"),
        ("dogs", "\uff44\uff4f\uff47\uff53", "their Unicode form"),
        ("Strasse", "stra\u00dfe", "case"),
        ("\u212b", "\u00e5", "case"),
    ],
)
def test_spellings_of_one_name(one: str, other: str, difference: str) -> None:
    assert canonical_spelling(one) == canonical_spelling(other)
    (problem,) = alike_problems("labels", [one, other, "cats"])
    assert "the labels '" in problem and "differ only in" in problem
    if one.isascii() or other.isascii():
        assert f"differ only in {difference};" in problem
    if not (one + other).isascii():
        assert "\\" in problem  # the two may look the same on a terminal


@pytest.mark.parametrize(
    ("one", "other"),
    [("clip 1 1", "clip 11"), ("cats", "dogs"), ("a-b", "ab"), ("e", "\u00e9"), ("1 11", "11 1")],
)
def test_different_names(one: str, other: str) -> None:
    assert spelled_alike([one, other]) == []


def refusal(read, *arguments: object) -> str:
    with pytest.raises(UserError) as error:
        read(*arguments)
    return str(error.value)


def test_labels_of_every_source_are_compared(tmp_path: Path) -> None:
    names = ("dogs/a.mp4", "Dogs/b.mp4", "caf\u00e9/c.mp4", "cafe\u0301/d.mp4", "dogs /e.mp4")
    for name in names:
        (tmp_path / "v" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "v" / name).touch()
    text = refusal(read_folder, tmp_path / "v")
    assert "3 problem(s)" in text and "'Dogs' and 'dogs'" in text and "'Dogs' and 'dogs '" in text
    assert "(cafe\\u0301) and 'caf\u00e9' (caf\\xe9) differ only in their Unicode form" in text

    manifest = tmp_path / "v" / "m.csv"
    manifest.write_text("path,label\ndogs/a.mp4,Ice Hockey\nDogs/b.mp4,ice  hockey\n")
    text = refusal(read_manifest, manifest, None, {})
    assert "the labels 'Ice Hockey' and 'ice  hockey' differ only in" in text

    for name in ("v_Punch_g01_c01.avi", "v_punch_g02_c01.avi"):
        (tmp_path / name).touch()
    assert "'Punch' and 'punch' differ only in case" in refusal(read_ucf101, tmp_path)


def test_groups_that_would_be_split_by_their_spelling_are_refused(tmp_path: Path) -> None:
    """One half of a film would be trained on, and the other half tested."""
    for name in "abc":
        (tmp_path / f"{name}.mp4").touch()
    manifest = tmp_path / "m.csv"
    manifest.write_text("path,group\na.mp4,Film 1\nb.mp4,film 1\nc.mp4,film 2\n")
    text = refusal(read_manifest, manifest, None, {})
    assert "the groups 'Film 1' and 'film 1' differ only in case" in text
