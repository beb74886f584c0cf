"""What the tiny models learn from: frames, flow pictures and sounds of the training worlds.

Training clips come from `plan_world(purpose="training")`: their seeds end in other bits than the
demo's (see `unmuted.demo_world.plan.PURPOSES`), and only combinations of object, colour and
background of the training split are shown. So a colour before a background would betray which
objects never appear there, and mislead about just those: therefore most frames show objects in
colours that have no name in the world, before any background, and teach everything but colours.

Frames are rendered one by one and pass through a simulated compression (JPEG, slight blur) instead
of a whole mp4; measure.py uses real files throughout.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from scipy.signal import resample_poly
from transformers import ASTFeatureExtractor, ViTImageProcessor

from unmuted.demo_world.motion import ActionTimeline, make_timeline
from unmuted.demo_world.plan import ClipSpec, plan_world
from unmuted.demo_world.render import UNNAMED_COLOURS, render_frames
from unmuted.demo_world.sound import synthesise
from unmuted.demo_world.vocabulary import (
    BACKGROUNDS,
    COLOURS,
    OBJECTS,
    SCENES,
    caption,
    class_named,
)
from unmuted.features.audioset import load_labels
from unmuted.media.flow import flow_images

SEED = 1
SECONDS = 3.0
STEPS = 18  # time steps a clip has in the workflow
MAX_SPEEDS = (100.0, 350.0)  # pixels per second at full brightness of a flow picture, varied
CUE_SIZES = (1.0, 1.5)  # of the plain world, and of the kinds whose signs are larger
MOVING = 25.0  # pixels per second that a swaying camera alone does not reach
IMAGE_SIZE, PATCH_SIZE = 96, 16
GRID = IMAGE_SIZE // PATCH_SIZE
NOTHING = len(OBJECTS)  # class of a patch without the object
NAMELESS = "[UNK]"  # the colour's word in the caption of a colour without a name
NO_TARGET = -100  # what cross-entropy ignores
STILL = len(SCENES)  # class of a flow picture in which nothing moves


@dataclass(frozen=True)
class Pictures:
    """Pictures for the ViT and BLIP.

    images (N, 96, 96, 3) uint8; targets, per attribute, (N,) int64; places (N, 6, 6) int64, which
    object lies in each patch; captions (N).
    """

    images: np.ndarray
    targets: dict[str, np.ndarray]
    places: np.ndarray
    captions: list[str]


@dataclass(frozen=True)
class Sounds:
    """Sounds for the AST.

    filterbanks (N, frames, mels) float32, before normalisation; labels (N, 527) float32, what is
    heard in the clip; acting (N, frames) float32, 1 where something sounds.
    """

    filterbanks: np.ndarray
    labels: np.ndarray
    acting: np.ndarray


def training_specs(clips_per_class: int) -> list[ClipSpec]:
    """The training split of a world made for training, in an order that mixes the classes.

    Half of the clips of each class that may show a sign show it, as large as in any kind of world.
    """
    world = plan_world(None, clips_per_class, SEED, SECONDS, purpose="training")
    rng, sizes = (np.random.default_rng([SEED, stream]) for stream in (6, 7))
    specs = [
        replace(
            spec,
            cue=class_named(spec.label).cue and bool(rng.random() < 0.5),
            cue_size=sizes.uniform(*CUE_SIZES),
        )
        for spec in world
        if spec.split == "train"
    ]
    return [specs[i] for i in np.random.default_rng(SEED).permutation(len(specs))]


def image_processor() -> ViTImageProcessor:
    """The preprocessing that ViT and BLIP are shipped with."""
    return ViTImageProcessor(
        size={"height": IMAGE_SIZE, "width": IMAGE_SIZE},
        image_mean=[0.5, 0.5, 0.5],
        image_std=[0.5, 0.5, 0.5],
    )


def frame_pictures(specs: list[ClipSpec], per_clip: int, unnamed: float) -> Pictures:
    """Some random frames of every clip with what they show.

    A share `unnamed` of the clips get a colour without a name and any background.
    """
    rng = np.random.default_rng([SEED, 1])
    images, rows, places, captions = [], [], [], []
    for original in specs:
        spec = _recoloured(original, rng) if rng.random() < unnamed else original
        timeline = make_timeline(spec)
        steps = rng.choice(STEPS, per_clip, replace=False)
        frames, masks = render_frames(spec, [_frame_index(spec, step) for step in steps])
        places.append(object_places(masks, OBJECTS.index(spec.object)))
        images.append(_resized(compressed(frames, rng)))
        times = [_step_time(step) for step in steps]
        rows += [frame_targets(spec, timeline, time) for time in times]
        captions += [frame_caption(spec, timeline, time) for time in times]
    return Pictures(np.concatenate(images), _columns(rows), np.concatenate(places), captions)


def _recoloured(spec: ClipSpec, rng: np.random.Generator) -> ClipSpec:
    colour = list(UNNAMED_COLOURS)[rng.integers(len(UNNAMED_COLOURS))]
    return replace(spec, colour=colour, background=BACKGROUNDS[rng.integers(len(BACKGROUNDS))])


def object_places(masks: np.ndarray, object_: int) -> np.ndarray:
    """The class of each patch, (n, 6, 6) int64: the object, nothing, or no target at its edge."""
    pooled = [
        cv2.resize(m.astype(np.float32), (GRID, GRID), interpolation=cv2.INTER_AREA) for m in masks
    ]
    covered = np.stack(pooled)
    return np.select([covered > 0.35, covered < 0.05], [object_, NOTHING], NO_TARGET)


def flow_pictures(specs: list[ClipSpec], per_clip: int) -> Pictures:
    """Colour-coded flow between neighbouring time steps, with the action that moves."""
    rng = np.random.default_rng([SEED, 2])
    images, rows = [], []
    for spec in specs:
        timeline = make_timeline(spec)
        for step in _lively_steps(timeline, per_clip, rng):
            indices = [_frame_index(spec, step - 1), _frame_index(spec, step)]
            frames = compressed(render_frames(spec, indices)[0], rng)
            max_speed = rng.uniform(*MAX_SPEEDS)
            # As if the frames lay exactly a step apart: max_speed varies more than their distance.
            picture = flow_images(frames, np.array([0, SECONDS / STEPS]), max_speed)[1:]
            images.append(_resized(picture))
            speed = np.percentile(picture.max(axis=-1), 98) / 255 * max_speed
            moving = speed > MOVING
            action = list(SCENES).index(spec.scene) if moving else STILL
            acting = int(is_acting(timeline, _step_time(step)))
            rows.append({"motion": action, "motion_acting": acting})
    nowhere = np.full((len(rows), GRID, GRID), NO_TARGET)
    return Pictures(np.concatenate(images), _columns(rows), nowhere, [])


def _lively_steps(timeline: ActionTimeline, count: int, rng: np.random.Generator) -> np.ndarray:
    """Time steps from 1 on; twice as likely where something happens, for most steps are still."""
    steps = np.arange(1, STEPS)
    lively = np.array([is_acting(timeline, _step_time(step), 0.2, 0.25) for step in steps])
    weights = np.where(lively, 2.0, 1.0)
    return rng.choice(steps, count, replace=False, p=weights / weights.sum())


def sounds(specs: list[ClipSpec], extractor: ASTFeatureExtractor) -> Sounds:
    """Filter banks of every clip that has sound or silence, as the feature extractor makes them."""
    names = load_labels()
    filterbanks, labels, acting = [], [], []
    for spec in specs:
        if spec.audio == "no_stream":
            continue
        timeline = make_timeline(spec)
        waveform = resample_poly(synthesise(spec, timeline), 160, 441)  # 44.1 kHz to 16 kHz
        samples = np.round(np.clip(waveform, -1, 1) * 32767).astype(np.int16)
        filterbank = extractor(
            samples / np.float32(32768), sampling_rate=16_000, return_tensors="np"
        ).input_values[0]
        filterbanks.append(filterbank)
        row = np.zeros(len(names), np.float32)
        if spec.audio == "ok":
            row[[names.index(name) for name in class_named(spec.label).audio_labels]] = 1
        labels.append(row)
        times = np.arange(len(filterbank)) * 0.01
        acting.append([is_acting(timeline, time, 0.0, 0.25) for time in times])
    return Sounds(np.stack(filterbanks), np.stack(labels), np.asarray(acting, np.float32))


def frame_caption(spec: ClipSpec, timeline: ActionTimeline, time: float) -> str:
    """The caption of a frame at this time; it names a sign that the frame shows."""
    colour = spec.colour if spec.colour in COLOURS else NAMELESS
    shows_sign = spec.cue and shows_signs(spec, timeline, time)
    return caption(spec.scene, spec.object, colour, spec.background, shows_sign)


def shows_signs(spec: ClipSpec, timeline: ActionTimeline, time: float) -> bool:
    """Whether a frame at this time shows the sign that the clip may have: not in a still jug."""
    return spec.scene != "pour" or is_acting(timeline, time)


def frame_targets(spec: ClipSpec, timeline: ActionTimeline, time: float) -> dict[str, int]:
    """What a frame at this time shows, one class number per attribute."""
    acting = is_acting(timeline, time)
    scene = list(SCENES).index(spec.scene)
    return {
        "object": OBJECTS.index(spec.object),
        "colour": COLOURS.index(spec.colour) if spec.colour in COLOURS else NO_TARGET,
        "background": BACKGROUNDS.index(spec.background),
        "action": scene,
        "acting": int(acting),
        "cue": 2 * scene + int(spec.cue) if shows_signs(spec, timeline, time) else NO_TARGET,
    }


def is_acting(
    timeline: ActionTimeline, time: float, before: float = 0.06, after: float = 0.1
) -> bool:
    """Whether at this time something goes on, or an impact is this near (seconds)."""
    if timeline.spans and not timeline.pace:
        return timeline.active(time)
    return any(event - before <= time <= event + after for event in timeline.events)


def compressed(frames: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Frames (n, H, W, 3) with the losses of a video codec: blur, blocks, less colour."""
    quality, sigma = int(rng.integers(35, 95)), rng.uniform(0, 0.8)
    return np.stack([_degrade(frame, quality, sigma) for frame in frames])


def _degrade(frame: np.ndarray, quality: int, sigma: float) -> np.ndarray:
    soft = cv2.GaussianBlur(frame, (0, 0), sigma) if sigma > 0.2 else frame
    bgr = cv2.cvtColor(soft, cv2.COLOR_RGB2BGR)
    _, jpeg = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return cv2.cvtColor(cv2.imdecode(jpeg, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)


def _resized(images: np.ndarray) -> np.ndarray:
    """(n, H, W, 3) to (n, 96, 96, 3) uint8, as the processor does it."""
    pixels = image_processor()(
        list(images), do_rescale=False, do_normalize=False, return_tensors="np",
        input_data_format="channels_last",
    ).pixel_values  # fmt: skip
    return np.clip(np.round(pixels), 0, 255).astype(np.uint8).transpose(0, 2, 3, 1)


def _step_time(step: int) -> float:
    return (step + 0.5) / STEPS * SECONDS


def _frame_index(spec: ClipSpec, step: int) -> int:
    return min(int(_step_time(step) * spec.rate + 1e-6), spec.frame_count - 1)


def _columns(rows: list[dict[str, int]]) -> dict[str, np.ndarray]:
    return {name: np.array([row[name] for row in rows], np.int64) for name in rows[0]}
