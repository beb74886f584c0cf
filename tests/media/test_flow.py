"""Flow images, motion and the representative frames."""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from unmuted.media.flow import FARNEBACK, flow_images
from unmuted.media.representative import motion_magnitudes, representative_steps

STEP = 1 / 6


def times(images: np.ndarray, step: float = STEP) -> np.ndarray:
    return np.arange(len(images)) * step


def moving_texture(shifts: list[tuple[float, float]], size: int = 96) -> np.ndarray:
    """uint8 `(T, size, size, 3)`: a soft texture at the given places, in pixels right and down."""
    noise = np.random.default_rng(0).uniform(0, 255, (size + 64, size + 64)).astype(np.float32)
    texture = cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 4), None, 0, 255, cv2.NORM_MINMAX)
    frames = []
    for right, down in shifts:
        move = np.array([[1, 0, right - 32], [0, 1, down - 32]], dtype=np.float32)
        frames.append(cv2.warpAffine(texture, move, (size, size), flags=cv2.INTER_CUBIC))
    return np.repeat(np.clip(frames, 0, 255).astype(np.uint8)[..., None], 3, axis=-1)


def hue_and_value(image: np.ndarray) -> tuple[float, float]:
    """Median hue in degrees and median value of the middle of an image."""
    hsv = cv2.cvtColor(image[24:-24, 24:-24], cv2.COLOR_RGB2HSV).reshape(-1, 3)
    return float(np.median(hsv[:, 0])) * 2, float(np.median(hsv[:, 2]))


@pytest.mark.parametrize(
    ("direction", "degrees"), [((1, 0), 0), ((0, 1), 90), ((-1, 0), 180), ((0, -1), 270)]
)
def test_direction_is_hue(direction: tuple[int, int], degrees: float) -> None:
    images = moving_texture([(0, 0), (3 * direction[0], 3 * direction[1])])
    hue, _ = hue_and_value(flow_images(images, times(images), 36.0)[1])
    assert min(abs(hue - degrees), 360 - abs(hue - degrees)) <= 6


def test_speed_is_value_on_a_fixed_scale() -> None:
    slow, fast = (moving_texture([(0, 0), (shift, 0)]) for shift in (1.5, 3.0))
    # 3 pixels in 1/6 s are 18 pixels a second, half of the full 36.
    assert hue_and_value(flow_images(fast, times(fast), 36.0)[1])[1] == pytest.approx(127, abs=8)
    assert hue_and_value(flow_images(slow, times(slow), 36.0)[1])[1] == pytest.approx(64, abs=8)
    # The same shift in half the time is twice the speed; above the scale it is cut off.
    assert hue_and_value(flow_images(slow, times(slow, STEP / 2), 36.0)[1])[1] == pytest.approx(
        127, abs=8
    )
    assert hue_and_value(flow_images(fast, times(fast), 9.0)[1])[1] == 255


def test_per_pair_scale_is_that_of_the_source() -> None:
    images = moving_texture([(0, 0), (1.5, 0.5), (3, 3)])
    gray = [cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in images]
    expected = []
    for before, after in pairwise(gray):
        flow = cv2.calcOpticalFlowFarneback(before, after, None, 0.5, 3, 15, 3, 5, 1.2, 0)
        magnitude, angle = cv2.cartToPolar(flow[..., 0], flow[..., 1])
        hsv = np.full_like(images[0], 255)
        hsv[..., 0] = angle * 180 / np.pi / 2
        hsv[..., 2] = cv2.normalize(magnitude, None, 0, 255, cv2.NORM_MINMAX)
        expected.append(cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB))
    expected = np.stack([expected[0], *expected])
    coded = flow_images(images, times(images), 36.0, scale="per_pair")
    assert np.abs(coded.astype(int) - expected.astype(int)).max() <= 2
    assert coded.max() == 255


def test_per_pair_scale_loses_the_amount_of_motion() -> None:
    """A still corner sets its black, so all that is left is which pixel of a pair is fastest."""
    pairs = [moving_texture([(0, 0), (shift, 0)]) for shift in (0.75, 3.0)]
    for pair in pairs:
        pair[1, :24] = pair[0, :24]
    value = {
        scale: [hue_and_value(flow_images(pair, times(pair), 36.0, scale)[1])[1] for pair in pairs]
        for scale in ("fixed", "per_pair")
    }
    assert value["fixed"][1] > 3 * value["fixed"][0]
    assert value["per_pair"][0] == pytest.approx(value["per_pair"][1], rel=0.15)
    assert min(value["per_pair"]) > 128


def test_parameters_are_those_of_the_source() -> None:
    assert FARNEBACK == (0.5, 3, 15, 3, 5, 1.2, 0)


def test_the_first_image_is_doubled() -> None:
    images = moving_texture([(0, 0), (3, 0), (3, 3)])
    coded = flow_images(images, times(images), 36.0)
    assert coded.shape == images.shape and coded.dtype == np.uint8
    assert np.array_equal(coded[0], coded[1]) and not np.array_equal(coded[1], coded[2])


def test_stillness_is_black() -> None:
    still = moving_texture([(0, 0)] * 3)
    assert flow_images(still, times(still), 36.0).max() <= 10  # of 255
    assert not flow_images(still[:1], times(still[:1]), 36.0).any()


@pytest.mark.parametrize(
    ("timestamps", "speed", "message"),
    [
        ([0.0, STEP], 0.0, "positive speed"),
        ([0.0, STEP], -1.0, "positive speed"),
        ([STEP, 0.0], 36.0, "do not fall"),
        ([0.0], 36.0, "expected 2 times"),
    ],
)
def test_scales_without_a_meaning_are_refused(
    timestamps: list[float], speed: float, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        flow_images(moving_texture([(0, 0), (1, 0)]), np.array(timestamps), speed)


@pytest.mark.parametrize("rate", [24.0, 25.0, 30000 / 1001, 15.0, 10.0, 5.0])
def test_a_steady_pan_is_steady_at_any_frame_rate(rate: float) -> None:
    """The frames shown on a grid of 6 steps a second lie unevenly, the pan does not."""
    shown = np.floor((np.arange(18) + 0.5) / 6 * rate + 1e-6) / rate
    images = moving_texture([(9.0 * time, 0) for time in shown], size=128)
    brightness = [hue_and_value(image)[1] for image in flow_images(images, shown, 36.0)]
    assert brightness == pytest.approx([255 / 4] * 18, abs=6)
    motion = motion_magnitudes(images, shown)
    assert motion == pytest.approx([9.0] * 18, rel=0.1)
    assert len(representative_steps(motion)) == 1  # no step stands out


def test_motion_belongs_to_the_later_frame() -> None:
    images = moving_texture([(0, 0), (1, 0), (1, 0), (4, 4), (4, 4)], size=128)
    magnitudes = motion_magnitudes(images, times(images))
    assert magnitudes.dtype == np.float32
    assert magnitudes == pytest.approx(
        np.array([1, 1, 0, np.hypot(3, 4), 0]) / STEP, abs=0.6 / STEP
    )
    assert magnitudes[0] == magnitudes[1]
    assert motion_magnitudes(images[:1], times(images[:1])).tolist() == [0.0]


@pytest.mark.parametrize("threads", [2, 4])
def test_results_do_not_depend_on_the_number_of_threads(threads: int) -> None:
    images = moving_texture([(0, 0), (2, 1), (5, 3)], size=256)
    before = cv2.getNumThreads()
    try:
        cv2.setNumThreads(1)
        flow, motion = (
            flow_images(images, times(images), 36.0),
            motion_magnitudes(images, times(images)),
        )
        cv2.setNumThreads(threads)
        assert np.array_equal(flow_images(images, times(images), 36.0), flow)
        assert np.array_equal(motion_magnitudes(images, times(images)), motion)
        assert cv2.getNumThreads() == threads  # and the caller's setting is left alone
    finally:
        cv2.setNumThreads(before)


magnitudes = arrays(np.float32, st.integers(1, 40), elements=st.floats(0, 100, width=32))


@given(magnitudes=magnitudes, ratio=st.floats(0.5, 3))
def test_representative_steps(magnitudes: np.ndarray, ratio: float) -> None:
    steps = representative_steps(magnitudes, ratio)
    threshold = ratio * float(np.mean(magnitudes, dtype=np.float64))
    assert steps and steps == sorted(set(steps)) and all(type(step) is int for step in steps)
    above = [i for i, value in enumerate(magnitudes.tolist()) if value > threshold]
    if above:
        assert steps == above
    else:
        assert len(steps) == 1 and magnitudes[steps[0]] == magnitudes.max()
        assert not (magnitudes[: steps[0]] == magnitudes.max()).any()  # the first of equals


@given(magnitudes=magnitudes, scale=st.sampled_from([0.25, 2.0, 64.0]))
def test_the_unit_of_motion_does_not_matter(magnitudes: np.ndarray, scale: float) -> None:
    shrunk = magnitudes[magnitudes >= 1e-30]
    if len(shrunk):
        assert representative_steps(shrunk * np.float32(scale)) == representative_steps(shrunk)


def test_a_known_choice() -> None:
    assert representative_steps(np.array([1.0, 1.0, 1.3, 2.0, 0.5, 1.2])) == [3]  # mean 1.1667
    assert representative_steps(np.array([1.0, 1.0, 1.3, 2.0, 0.5, 1.2]), ratio=1.1) == [2, 3]
    assert representative_steps(np.zeros(18)) == [0]
    with pytest.raises(ValueError, match="at least one"):
        representative_steps(np.zeros(0))
