"""Files of boxes: what labelImg writes is read, and nothing else in them has an effect."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unmuted.systems.segmentation.boxes import (
    MAX_BYTES,
    MAX_OBJECTS,
    Box,
    BoxProblem,
    box_mask,
    parse_boxes,
    read_boxes,
)

LABELIMG = """<annotation>
\t<folder>frames</folder>
\t<filename>a_1.png</filename>
\t<path>/home/somebody/frames/a_1.png</path>
\t<source>
\t\t<database>Unknown</database>
\t</source>
\t<size>
\t\t<width>200</width>
\t\t<height>100</height>
\t\t<depth>3</depth>
\t</size>
\t<segmented>0</segmented>
\t<object>
\t\t<name>dog</name>
\t\t<pose>Unspecified</pose>
\t\t<truncated>1</truncated>
\t\t<difficult>0</difficult>
\t\t<bndbox>
\t\t\t<xmin>20</xmin>
\t\t\t<ymin>10</ymin>
\t\t\t<xmax>120</xmax>
\t\t\t<ymax>60</ymax>
\t\t</bndbox>
\t</object>
</annotation>
"""


def box_of(*edges: object, name: str = "dog") -> str:
    names = ("xmin", "ymin", "xmax", "ymax")
    inner = "".join(f"<{n}>{e}</{n}>" for n, e in zip(names, edges, strict=True))
    return f"<object><name>{name}</name><bndbox>{inner}</bndbox></object>"


def file_of(*objects: str, size: str = "<width>200</width><height>100</height>") -> bytes:
    return f"<annotation><size>{size}</size>{''.join(objects)}</annotation>".encode()


GOOD = box_of(20, 10, 120, 60)
DOG = Box("dog", 0.1, 0.1, 0.6, 0.6)


def status_of(content: bytes) -> str:
    with pytest.raises(BoxProblem) as caught:
        parse_boxes(content)
    return caught.value.status


def test_a_file_of_labelimg_is_read_in_shares_of_its_size(tmp_path: Path) -> None:
    file = tmp_path / "a_1.xml"
    for beginning in ("", '<?xml version="1.0" ?>', "\ufeff<!-- by hand -->"):
        file.write_text(beginning + LABELIMG, encoding="utf-8")
        found = read_boxes(file)
        assert (found.boxes, found.problems, found.clipped) == ((DOG,), (), 0)


def test_numbers_may_have_decimals_and_labels_any_letters() -> None:
    content = file_of(box_of(" 20.0 ", "10.", 120, 60.5, name=" männliche\n Stimme "))
    (box,) = parse_boxes(content).boxes
    assert box == Box("männliche Stimme", 0.1, 0.1, 0.6, 0.605)


@pytest.mark.parametrize(
    ("objects", "status"),
    [
        (box_of(120, 10, 20, 60), "empty_box"),
        (box_of(20, 10, 20, 60), "empty_box"),
        (box_of(20, 10, 203, 60), "outside"),
        (box_of(-3, 10, 20, 60), "outside"),
        (box_of(200, 10, 202, 60), "outside"),
        (box_of(-2, 10, 0, 60), "outside"),
        (box_of("nan", 10, 20, 60), "no_box"),
        (box_of("inf", 10, 20, 60), "no_box"),
        (box_of("1e2", 10, 120, 60), "no_box"),
        (box_of("9" * 5000, 10, 120, 60), "no_box"),
        (box_of("٢٠", 10, 120, 60), "no_box"),
        (box_of("", 10, 120, 60), "no_box"),
        ("<object><name>dog</name></object>", "no_box"),
        (box_of(20, 10, 120, 60, name="  "), "no_label"),
        ("", "no_object"),
    ],
)
def test_a_box_that_cannot_be_is_a_problem_and_the_others_are_kept(
    objects: str, status: str
) -> None:
    assert status_of(file_of(objects)) == status
    if objects:
        found = parse_boxes(file_of(GOOD, objects, GOOD))
        assert found.boxes == (DOG, DOG)
        assert [problem.status for problem in found.problems] == [status]


def test_up_to_two_pixels_beyond_the_picture_are_clipped_and_counted() -> None:
    found = parse_boxes(file_of(box_of(-2, -1, 202, 101), GOOD, box_of(0, 0, 200, 100)))
    assert found.boxes == (Box("dog", 0, 0, 1, 1), DOG, Box("dog", 0, 0, 1, 1))
    assert found.clipped == 1


@pytest.mark.parametrize(
    "size",
    ["", "<width>200</width>", "<width>0</width><height>100</height>", "<width>x</width>"],
)
def test_a_file_without_its_pictures_size_is_refused(size: str) -> None:
    assert status_of(file_of(GOOD, size=size)) == "size"


BOMB = '<!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;&b;">]>'
LEAK = '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]>'


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (BOMB.encode() + file_of(GOOD), "doctype"),
        (LEAK.encode() + file_of(box_of(20, 10, 120, 60, name="&b;")), "doctype"),
        (b"<!doctype html>" + file_of(GOOD), "doctype"),
        ((BOMB + LABELIMG).encode("utf-16"), "not_utf8"),
        (
            b'<?xml version="1.0" encoding="UTF-16"?>' + (BOMB + LABELIMG).encode("utf-16"),
            "not_utf8",
        ),
        ((BOMB + LABELIMG).encode("utf-16-le"), "not_xml"),
        ((BOMB + LABELIMG).encode("utf-16-be"), "not_xml"),
        ((BOMB + LABELIMG).encode("utf-32-le"), "not_xml"),
        (b'<?xml version="1.0" encoding="utf-7"?>' + b"+ADwAIQ-DOCTYPE a>", "not_xml"),
        (file_of(box_of(20, 10, 120, 60, name="&b;")), "not_xml"),
        (file_of(box_of(20, 10, 120, 60, name="\0")), "not_xml"),
        (LABELIMG.encode()[:-8], "not_xml"),
        (b"", "not_xml"),
        (b"\x80\x04\x95", "not_utf8"),
        (b"<html/>", "not_voc"),
        (b" " * (MAX_BYTES + 1), "too_large"),
        (file_of(*[box_of(1, 1, 2, 2)] * (MAX_OBJECTS + 1)), "too_many"),
        (b"<a>" * 200_000, "not_xml"),
        (b"<a>" * 100_000 + b"</a>" * 100_000, "not_voc"),
    ],
    ids=lambda value: None if isinstance(value, bytes) else value,
)
def test_a_file_that_labelimg_does_not_write_is_refused(content: bytes, status: str) -> None:
    assert status_of(content) == status


def test_what_is_no_plain_file_is_refused_without_waiting(tmp_path: Path) -> None:
    (tmp_path / "real.xml").write_text(LABELIMG)
    (tmp_path / "link.xml").symlink_to(tmp_path / "real.xml")
    os.mkfifo(tmp_path / "pipe.xml")
    (tmp_path / "folder.xml").mkdir()
    for name in ("link.xml", "pipe.xml", "folder.xml", "absent.xml", "a\0b"):
        with pytest.raises(BoxProblem) as caught:
            read_boxes(tmp_path / name)
        assert caught.value.status == "unreadable"
    (tmp_path / "large.xml").write_bytes(b"<" * (MAX_BYTES + 10))
    with pytest.raises(BoxProblem, match="too_large"):
        read_boxes(tmp_path / "large.xml")


PIECES = st.sampled_from([b"<", b">", b"</object>", b"<!--", b"-->", b"<object>", b"&lt;", b"\xff"])


@given(st.integers(0, len(LABELIMG)), st.integers(0, 50), PIECES | st.binary(max_size=20))
def test_any_bytes_are_boxes_or_a_problem(place: int, lost: int, content: bytes) -> None:
    """Nothing but a BoxProblem is raised, and what is read lies in the picture."""
    file = LABELIMG.encode()
    with suppress(BoxProblem):
        found = parse_boxes(file[:place] + content + file[place + lost :])
        assert found.boxes
        assert all(0 <= box.left < box.right <= 1 for box in found.boxes)


@given(st.lists(st.floats(-300, 300), min_size=4, max_size=4))
def test_a_box_that_is_read_lies_in_its_picture(edges: list[float]) -> None:
    try:
        (box,) = parse_boxes(file_of(box_of(*(f"{edge:.6f}" for edge in edges)))).boxes
    except BoxProblem:
        return
    assert 0 <= box.left < box.right <= 1 and 0 <= box.top < box.bottom <= 1


def test_a_mask_fills_the_boxes_at_any_size() -> None:
    boxes = [Box("a", 0.0, 0.0, 0.5, 0.5), Box("b", 0.75, 0.5, 1.0, 1.0)]
    expected = np.array([[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 0, 1], [0, 0, 0, 1]], bool)
    np.testing.assert_array_equal(box_mask(boxes, 4, 4), expected)
    np.testing.assert_array_equal(box_mask(boxes, 8, 8), expected.repeat(2, 0).repeat(2, 1))
    assert not box_mask([], 3, 5).any()


def test_a_pixel_belongs_to_the_box_that_holds_its_centre() -> None:
    assert (
        box_mask([Box("a", 0.1, 0.2, 0.4, 1.0)], 2, 4).tolist() == [[True, True, False, False]] * 2
    )
    assert not box_mask([Box("a", 0.2, 0.0, 0.3, 1.0)], 2, 4).any()
