"""The container of a clip's images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file

from unmuted.media.images import decode_images, encode_images


def smooth_images(count: int, height: int = 48, width: int = 65) -> np.ndarray:
    y, x = np.mgrid[:height, :width]
    waves = [np.sin(x / (5 + i)) + np.cos(y / 7 + i) for i in range(3 * count)]
    images = np.stack(waves).reshape(count, 3, height, width).transpose(0, 2, 3, 1)
    return ((images + 2) * 63).astype(np.uint8)


def test_images_survive_a_file(tmp_path: Path) -> None:
    images, times = smooth_images(4), np.array([0.0, 0.1, 0.1, 0.4])
    save_file(encode_images(images, times, 0.5), tmp_path / "frames.safetensors")
    tensors = load_file(tmp_path / "frames.safetensors")
    assert {name: (t.dtype.name, t.ndim) for name, t in tensors.items()} == {
        "jpeg": ("uint8", 1),
        "offsets": ("int64", 1),
        "timestamps": ("float64", 1),
        "duration": ("float64", 1),
    }
    assert tensors["timestamps"].tolist() == times.tolist() and tensors["duration"].tolist() == [
        0.5
    ]
    again = decode_images(tensors)
    assert again.shape == images.shape and again.dtype == np.uint8
    error = np.abs(again.astype(int) - images.astype(int))
    assert error.max() <= 12 and error.mean() < 1.5


def test_each_image_is_a_jpeg_file_of_its_own() -> None:
    tensors = encode_images(smooth_images(3), np.arange(3.0), 3.0)
    for begin, end in zip(tensors["offsets"][:-1], tensors["offsets"][1:], strict=True):
        file = tensors["jpeg"][begin:end].tobytes()
        assert file.startswith(b"\xff\xd8\xff") and file.endswith(b"\xff\xd9")


def test_red_stays_red_and_colour_keeps_its_resolution() -> None:
    stripes = np.zeros((1, 32, 32, 3), dtype=np.uint8)
    stripes[:, :, ::2] = [255, 0, 0]
    stripes[:, :, 1::2] = [0, 0, 255]
    again = decode_images(encode_images(stripes, np.zeros(1), 1.0))[0].astype(int)
    # With halved chroma both columns would be the same purple.
    assert (again[:, ::2, 0] - again[:, ::2, 2]).min() > 180
    assert (again[:, 1::2, 2] - again[:, 1::2, 0]).min() > 180


def test_the_same_images_give_the_same_bytes() -> None:
    first, second = (encode_images(smooth_images(3), np.arange(3.0), 3.0) for _ in range(2))
    assert all(np.array_equal(first[name], second[name]) for name in first)


@given(count=st.integers(1, 4), height=st.integers(1, 40), width=st.integers(1, 40))
def test_any_size(count: int, height: int, width: int) -> None:
    images = smooth_images(count, height, width)
    assert decode_images(encode_images(images, np.zeros(count), 1.0)).shape == images.shape


@pytest.mark.parametrize(
    ("images", "times"),
    [
        (np.zeros((2, 4, 4, 3), np.float32), np.zeros(2)),
        (np.zeros((2, 4, 4), np.uint8), np.zeros(2)),
        (np.zeros((2, 4, 4, 3), np.uint8), np.zeros(3)),
    ],
)
def test_other_arrays_are_refused(images: np.ndarray, times: np.ndarray) -> None:
    with pytest.raises(ValueError, match="expected"):
        encode_images(images, times, 1.0)


@pytest.mark.parametrize("offsets", [[0], [0, 10], [5, None], [0, 9, 9, None], [0, 50, 20, None]])
def test_offsets_that_do_not_fit_are_refused(offsets: list[int | None]) -> None:
    tensors = encode_images(smooth_images(1), np.zeros(1), 1.0)
    full = len(tensors["jpeg"])
    tensors["offsets"] = np.array([full if o is None else o for o in offsets], dtype=np.int64)
    with pytest.raises(ValueError, match="offsets"):
        decode_images(tensors)


def test_bytes_that_are_no_image_are_refused() -> None:
    tensors = encode_images(smooth_images(1), np.zeros(1), 1.0)
    with pytest.raises(ValueError, match="JPEG"):
        decode_images({**tensors, "jpeg": np.zeros_like(tensors["jpeg"])})
