"""Masks from files of every kind: what is foreground, what fits the video, and what is refused."""

from __future__ import annotations

import json
import os
import struct
import zlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from unmuted.config.validation import check_config
from unmuted.dataset.masks import mask_targets
from unmuted.dataset.videos import Video
from unmuted.engine.artifacts import read_tensors
from unmuted.engine.executor import Result, Task
from unmuted.engine.tensors import TensorFile, TensorSpool
from unmuted.systems.segmentation.artifacts import EMPTY, LABELLED, UNLABELLED, unpack_masks
from unmuted.systems.segmentation.boxes_job import VideoBoxes
from unmuted.systems.segmentation.mask_files import (
    MaskProblem,
    has_aspect,
    read_mask,
    resized,
    second_of_name,
)
from unmuted.systems.segmentation.truth_job import Truths

SHAPE = (30, 40)
PIXELS = SHAPE[0] * SHAPE[1]
MODELS = {role: {"path": "resources/tiny_models/cnn"} for role in ("vit", "ast", "blip")}


def square(value: int = 255) -> np.ndarray:
    mask = np.zeros(SHAPE, np.uint8)
    mask[10:20, 5:25] = value
    return mask


def coloured(colour: tuple[int, int, int]) -> np.ndarray:
    return (square(1)[..., None] * np.array(colour)).astype(np.uint8)


def palette(values: np.ndarray, colours: list[int]) -> Image.Image:
    image = Image.fromarray(values, "P")
    image.putpalette(colours)
    return image


def with_alpha() -> Image.Image:
    """Nothing to see but in the alpha channel of the background."""
    rgba = np.zeros((*SHAPE, 4), np.uint8)
    rgba[..., :3] = coloured((255, 255, 255))
    rgba[..., 3] = 255 - square()
    return Image.fromarray(rgba)


@pytest.mark.parametrize(
    "image",
    [
        Image.fromarray(square()).convert("1"),
        Image.fromarray(square()),
        Image.fromarray(square(1)),  # a palette index that was saved as a grey value
        palette(square(1), [0, 0, 0, 255, 255, 255]),
        palette(square(1), [0, 0, 0, 128, 0, 0]),  # the colour that vanishes in one bit
        palette(255 - square(), [255, 255, 255] * 255 + [0, 0, 0]),  # black has the last index
        Image.fromarray(coloured((255, 255, 255))),
        Image.fromarray(coloured((128, 0, 0))),
        with_alpha(),
        Image.fromarray(square().astype(np.uint16) * 257),
    ],
    ids=["1", "L", "L of 1", "P", "P red", "P black last", "RGB", "RGB red", "RGBA", "I;16"],
)
def test_two_values_are_background_and_foreground(image: Image.Image, tmp_path: Path) -> None:
    image.save(tmp_path / "0.png")
    found = read_mask(tmp_path / "0.png", PIXELS)
    assert (found.mask == (square() > 0)).all() and not found.is_soft


@pytest.mark.parametrize("scale", [1, 257])
def test_grey_edges_are_cut_at_half_and_never_dithered(scale: int, tmp_path: Path) -> None:
    ramp = np.tile(np.arange(256, dtype=np.uint16) * scale, (64, 1))
    Image.fromarray(ramp if scale > 1 else ramp.astype(np.uint8)).save(tmp_path / "0.png")
    found = read_mask(tmp_path / "0.png", ramp.size)
    assert found.is_soft and (found.mask == (np.arange(256) >= 128)).all()
    dithered = np.array(Image.fromarray(ramp.astype(np.uint8)).convert("1"))
    assert (dithered != found.mask).mean() > 0.1 or scale > 1  # what is avoided


def test_masks_of_several_colours_are_refused_unless_asked_for(tmp_path: Path) -> None:
    colours = coloured((255, 0, 0))
    colours[12:14, 8:10] = (0, 255, 0)
    Image.fromarray(colours).save(tmp_path / "0.png")
    with pytest.raises(MaskProblem, match=r"3 colours; with avs\.foreground: nonzero") as problem:
        read_mask(tmp_path / "0.png", PIXELS)
    assert problem.value.status == "mask_is_class_map"
    assert (read_mask(tmp_path / "0.png", PIXELS, "nonzero").mask == (square() > 0)).all()
    Image.fromarray(square() // 2 + square(1) * 30).save(tmp_path / "1.png")
    assert (read_mask(tmp_path / "1.png", PIXELS, "nonzero").mask == (square() > 0)).all()


def test_empty_and_full_masks(tmp_path: Path) -> None:
    for value in (0, 255):
        Image.fromarray(np.full(SHAPE, value, np.uint8)).save(tmp_path / "0.png")
        found = read_mask(tmp_path / "0.png", PIXELS)
        assert found.mask.mean() == value / 255 and not found.is_soft


def bomb(path: Path, width: int, height: int) -> None:
    """A PNG of a few bytes that says it is large."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    data = chunk(b"IDAT", zlib.compress(bytes(100)))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + data + chunk(b"IEND", b""))


@pytest.mark.parametrize("size", [(4000, 4000), (60_000, 60_000), (2_000_000_000, 1)])
def test_the_size_is_known_before_pixels_are_decoded(size: tuple[int, int], tmp_path: Path) -> None:
    bomb(tmp_path / "0.png", *size)
    with pytest.raises(MaskProblem) as problem:
        read_mask(tmp_path / "0.png", PIXELS)
    assert problem.value.status == "mask_too_large"


def test_what_is_no_picture_is_refused(tmp_path: Path) -> None:
    whole = tmp_path / "whole.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, SHAPE, np.uint8)).save(whole)
    content = whole.read_bytes()
    (tmp_path / "cut.png").write_bytes(content[: len(content) // 2])
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "text.png").write_text("a mask")
    Image.fromarray(square()).save(tmp_path / "jpeg.png", "JPEG")
    (tmp_path / "link.png").symlink_to(whole)
    (tmp_path / "folder.png").mkdir()
    os.mkfifo(tmp_path / "pipe.png")
    for name in ("cut", "empty", "text", "jpeg", "link", "folder", "pipe", "missing"):
        with pytest.raises(MaskProblem) as problem:
            read_mask(tmp_path / f"{name}.png", PIXELS)
        assert problem.value.status == "mask_unreadable", name


def test_the_nearest_pixels_of_another_size() -> None:
    mask = square() > 0
    twice = mask.repeat(2, axis=0).repeat(2, axis=1)
    assert (resized(twice, *SHAPE) == mask).all() and (resized(mask, 60, 80) == twice).all()
    assert resized(np.stack([mask, ~mask]), 60, 80).shape == (2, 60, 80)


def test_the_same_aspect_is_to_a_pixel() -> None:
    assert all(has_aspect(np.empty(shape), 30, 40) for shape in [(30, 40), (15, 20), (225, 301)])
    assert not any(has_aspect(np.empty(shape), 30, 40) for shape in [(40, 40), (40, 30), (30, 44)])


def test_seconds_are_the_numbers_at_the_end_of_names() -> None:
    names = {"0.png": 0, "012.png": 12, "clip_3.png": 3, "clip.mp4_5.png": 5}
    names |= {"mask.png": None, "1234567.png": None, "٣.png": None, "3_a.png": None}
    assert {name: second_of_name(name) for name in names} == names


class Made:
    """A job's truth of one video of four seconds, 40 x 30, stored at 64 x 64 with 48 x 36 shown."""

    def __init__(self, folder: Path, **avs: object) -> None:
        self.root = folder
        config = check_config({"videos": {"source": "demo"}, "models": MODELS, "avs": avs})
        self.config = config
        spool = TensorSpool()
        spool.append("frames", np.zeros((4, 64, 64, 3), np.uint8))
        spool.append("size", np.array([36, 48]))
        spool.append("native", np.array(SHAPE))
        spool.write(folder / "frames.safetensors", {})

    def job(self, split: str = "train", **folders: Path) -> tuple[Any, Task]:
        targets = mask_targets(folders, self.root) if folders else None
        path = self.root / "a.mp4"
        video = Video("a", path, "masks", split, "a", root=self.root, targets=targets)
        frames = SimpleNamespace(open_tensors=lambda: TensorFile(self.root / "frames.safetensors"))
        videos, splits = {"a": video}, {"a": split}
        job = SimpleNamespace(config=self.config, videos=videos, read_splits=lambda: splits)
        return job, Task("a", "f", {"avs_frames": frames}, video)

    def truth(self, masks: Path | None) -> tuple[Result, dict[str, np.ndarray]]:
        job, task = self.job(**({} if masks is None else {"masks": masks}))
        (result,) = Truths(job).make([task])
        if result.payload is None:
            return result, {}
        result.payload.write(self.root / "truth.safetensors", {})
        return result, read_tensors(self.root / "truth.safetensors")


def problems(tensors: dict[str, np.ndarray]) -> dict[str, str]:
    return {row[0]: row[1] for row in json.loads(tensors["problems"].tobytes())}


@pytest.fixture
def masks(tmp_path: Path) -> Path:
    folder = tmp_path / "masks" / "a"
    folder.mkdir(parents=True)
    return folder


def save(folder: Path, name: str, mask: np.ndarray) -> None:
    Image.fromarray(mask).save(folder / name)


def test_seconds_without_a_mask_are_unlabelled_and_black_ones_are_empty(masks: Path) -> None:
    save(masks, "0.png", square())
    save(masks, "2.png", square(0))
    (masks / "notes.pkl").write_bytes(b"cos\nsystem\n")
    result, tensors = Made(masks.parent.parent).truth(masks)
    assert tensors["status"].tolist() == [LABELLED, UNLABELLED, EMPTY, UNLABELLED]
    assert result.status == "ok" and result.reason == "1 other files ignored"
    found = unpack_masks(tensors["masks"])
    assert found.shape == (4, 64, 64) and not found[1:].any()
    assert (found[0, :36, :48] == resized(square() > 0, 36, 48)).all()
    assert not found[:, 36:].any() and not found[:, :, 48:].any()


def test_masks_of_other_sizes(masks: Path) -> None:
    save(masks, "0.png", resized(square(), 60, 80))
    save(masks, "1.png", resized(square(), 40, 40))
    soft = square()
    soft[9, 5:25] = 100
    save(masks, "2.png", soft)
    result, tensors = Made(masks.parent.parent).truth(masks)
    assert problems(tensors) == {"1.png": "mask_size"} and result.status == "masks_refused"
    assert tensors["counts"].tolist() == [1, 1]
    assert tensors["status"].tolist() == [LABELLED, UNLABELLED, LABELLED, UNLABELLED]
    found = unpack_masks(tensors["masks"])
    assert (found[0] == found[2]).all()
    result, tensors = Made(masks.parent.parent, mask_aspect="squashed").truth(masks)
    assert result.status == "ok" and tensors["counts"].tolist() == [2, 1]
    found = unpack_masks(tensors["masks"])
    assert (found[0] != found[1]).mean() < 0.02  # rounded twice


def test_every_mask_that_is_not_used_has_a_row(masks: Path) -> None:
    save(masks, "0.png", square())
    save(masks, "4.png", square())
    save(masks, "x_0.png", square())
    save(masks, "mask.png", square())
    bomb(masks / "1.png", 60_000, 60_000)
    (masks / "2.png").symlink_to(masks / "0.png")
    (masks / "3.png").write_bytes((masks / "0.png").read_bytes()[:60])
    result, tensors = Made(masks.parent.parent).truth(masks)
    assert problems(tensors) == {
        "1.png": "mask_too_large",
        "2.png": "mask_unreadable",
        "3.png": "mask_unreadable",
        "4.png": "mask_after_end",
        "mask.png": "mask_name",
        "x_0.png": "mask_twice",
    }
    assert tensors["status"].tolist() == [LABELLED, UNLABELLED, UNLABELLED, UNLABELLED]
    assert "6 masks not used; first: 4.png: mask_after_end" in result.reason


def test_masks_outside_the_root_are_not_read(tmp_path: Path) -> None:
    outside, root = tmp_path / "outside", tmp_path / "root"
    outside.mkdir()
    root.mkdir()
    save(outside, "0.png", square())
    (root / "link").symlink_to(outside)
    for folder in (outside, root / "link", root / ".." / "outside"):
        result, tensors = Made(root).truth(folder)
        assert set(problems(tensors).values()) == {"outside_folder"}
        assert (tensors["status"] == UNLABELLED).all() and not tensors["masks"].any()
        assert result.status == "masks_refused"


def test_a_video_without_masks_has_no_truth(tmp_path: Path) -> None:
    result, _ = Made(tmp_path).truth(None)
    assert (result.payload, result.status) == (None, "no_masks")


BOX = """<annotation><size><width>40</width><height>30</height></size><object><name>dog</name>
<bndbox><xmin>10</xmin><ymin>0</ymin><xmax>{right}</xmax><ymax>15</ymax></bndbox></object>
</annotation>"""


def test_boxes_of_training_videos(tmp_path: Path) -> None:
    folder = tmp_path / "boxes"
    folder.mkdir()
    for name, right in (("a_0", 20), ("a_1", 41), ("a_2", 60), ("a_9", 20)):
        (folder / f"{name}.xml").write_text(BOX.format(right=right))
    (folder / "a_3.xml").write_text(f"<!DOCTYPE a>{BOX}")
    made = Made(tmp_path)
    job, task = made.job(boxes=folder)
    (result,) = VideoBoxes(job).read([task])
    assert isinstance(result.payload, dict) and result.status == "boxes_refused"
    assert [(row["second"], row["right"]) for row in result.payload["boxes"]] == [(0, 0.5), (1, 1)]
    found = {name: status for name, status, _ in result.payload["problems"]}
    assert found == {"a_2.xml": "outside", "a_3.xml": "doctype", "a_9.xml": "mask_after_end"}
    assert result.payload["clipped"] == 1


def test_boxes_of_other_videos_are_never_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "boxes"
    folder.mkdir()
    (folder / "0.xml").write_text(BOX.format(right=20))
    made, opened = Made(tmp_path), []
    true_open = os.open

    def watched(path: Any, *more: Any, **named: Any) -> int:
        opened.append(str(path))
        return true_open(path, *more, **named)

    monkeypatch.setattr(os, "open", watched)
    for split, is_read in (("test", False), ("val", False), ("train", True)):
        job, task = made.job(split, boxes=folder)
        boxes = VideoBoxes(job)
        (result,) = boxes.read([task])
        assert any(path.endswith(".xml") for path in opened) == is_read
        assert (result.status == "not_training") != is_read
        # nothing that is in the files can be work for a job of another split
        assert (boxes.extra_inputs["a"] == split) != is_read
