"""A page says what artifacts say, and why others are absent; hostile text is shown as text."""

from __future__ import annotations

import base64
import csv
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pytest

from media.clips import run_ffmpeg
from unmuted.dataset.videos import Video
from unmuted.engine.artifacts import text_array, write_artifact
from unmuted.engine.executor import Artifact
from unmuted.engine.ledger import LedgerEntry
from unmuted.features.audioset import load_labels
from unmuted.media.images import encode_images
from unmuted.media.wav import write_wav
from unmuted.pipeline.registry import STAGES
from unmuted.systems.pages.content import WORDS
from unmuted.systems.pages.page_job import PageDrawer
from unmuted.systems.segmentation.marking import HYPOTHETICAL, SOUNDS, STATUSES

STEPS, DIM, SEEDS = 6, 3, 2
OF_OTHER_SYSTEMS = {
    *("events", "avs_frames", "avs_masks", "avs_tables", "avs_overlays", "overlay_copies"),
}
CLASSES = ["cat", "dog", "hen"]
NAMES = load_labels()
HOSTILE = "<script>alert('1')</script>\"' onload=x &amp; \u202e reversed"
LONG = "<b>" + "a" * 10_000
CONFIG = {
    "media": {"sandbox": "auto"},
    "frames": {"sampling": "even"},
    "report": {"preview_seconds": 30},
    "avs": {"checkpoint": None},
    "filter": {"mode": "percentile", "expectation": "posterior", "percentiles": [30]},
}
CHOICE = {
    "filters": {
        "filtered": {"chosen": 30, "candidates": [{"percentile": 30, "thresholds": [0.2, 0.4]}]}
    }
}


class Reader(HTMLParser):
    """The elements, attributes and text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self._within: list[str] = []
        self.feed(page)
        self.text = " ".join("".join(self.texts).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._within.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self._within and self._within.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if self._within and self._within[-1] == "style":
            return
        self.texts.append(data + " ")

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    def table(self, name: str) -> list[dict[str, str]]:
        """The rows of a CSV file that the page offers."""
        (link,) = [a for a in self.named("a") if (a.get("download") or "").endswith(f"_{name}.csv")]
        content = base64.b64decode((link["href"] or "").partition("base64,")[2]).decode()
        return list(csv.DictReader(io.StringIO(content)))


class Made:
    """Artifacts of one video, by stage, in a folder."""

    def __init__(self, folder: Path, text: str = "a dog barks", label: str = "dog") -> None:
        self.folder, self.inputs, self.rows = folder, {}, {}
        self.rng = np.random.default_rng(0)
        self.video = Video("clip-1", None, label, None, "source 7")
        self.text = text
        self._write_media()
        self._write_features()
        self._write_predictions()

    def add(self, stage: str, payload: object, status: str = "ok", reason: str = "") -> None:
        path = self.folder / f"{stage}{STAGES[stage].suffix}"
        digest, size = write_artifact(path, payload, "")
        row = LedgerEntry(self.video.video_id, status, reason, "", digest, size, 0.0)
        self.inputs[stage], self.rows[stage] = Artifact(path, row), row

    def lose(self, stage: str, status: str, reason: str) -> None:
        self.inputs.pop(stage, None)
        self.rows[stage] = LedgerEntry(self.video.video_id, status, reason, "", "", 0, 0.0)

    def draw(self, split: str | None = "test") -> str:
        return PageDrawer(CONFIG, CHOICE).draw(self.video, self.inputs, self.rows, split)

    def _write_media(self) -> None:
        probe = {"duration_s": 3.0, "fps": 25.0, "width": 64, "height": 48, "note": self.text}
        probe |= {"video_codec": "h264", "audio_codec": "aac", "container": "mov", "damage": ""}
        self.add("probe", probe)
        run_ffmpeg(
            "-f", "lavfi", "-i", "color=red:size=64x48:rate=5:duration=1", self.folder / "a.mp4"
        )
        self.mp4 = (self.folder / "a.mp4").read_bytes()
        self.add("clip_copies", lambda path: path.write_bytes(self.mp4), reason=self.text)
        images = self.rng.integers(0, 255, (STEPS, 48, 64, 3)).astype(np.uint8)
        self.times = (np.arange(STEPS) + 0.5) / 2 - 0.01
        for stage in ("frames", "flow"):
            self.add(stage, encode_images(images, self.times, 3.0))
        self.motion = [1.5, 9.25, 2.0, 8.5, 1.0, 1.0]
        self.add("representative_frames", {"steps": [1, 3], "motion": self.motion})
        self.add("captions", {"steps": [1, 3], "captions": [self.text, "second"]})
        sound = np.int16(8000 * np.sin(np.arange(48_000) / 10))
        self.add("wav", lambda path: write_wav(path, sound, 16_000))

    def _write_features(self) -> None:
        self.scores = np.float32(self.rng.random(len(NAMES)) / 2)
        self.scores[[7, 99]] = 0.9, 0.8
        self.add("ast", {"scores": self.scores, "tokens": np.zeros((STEPS, 4), np.float32)})
        frozen = [{"label": NAMES[3], "index": 3, "similarity": 0.625}]
        attended = [{"label": self.text, "index": 5, "attention": 0.5}]
        captions = [
            {"step": step, "caption": text, "labels": attended, "frozen": frozen}
            for step, text in ((1, self.text), (3, "second"))
        ]
        self.add("trained_mapping", {"captions": captions})
        self.add("generated", {"audio": np.zeros((SEEDS, STEPS, DIM), np.float32)})
        self.cosine = np.float32([0.9, -0.25, 0.5, 0.125, 0, 1])
        self.generated, self.real = np.float32(self.rng.normal(size=(2, STEPS, DIM)))
        said = {
            "split": "test",
            "seeds": SEEDS,
            "carried": [[NAMES[11], 0.75]],
            "carried_by_real": [[NAMES[12], 0.5]],
            "retrieved": {
                "what": "retrieved, not generated",
                "video_id": "clip-of-training",
                "label": self.text,
                "group": "source-of-training",
                "heard": NAMES[13],
                "cosine": 0.8125,
                "among": 40,
            },
        }
        arrays = {"generated": self.generated, "real": self.real, "cosine": self.cosine}
        arrays |= {"mp4": np.frombuffer(self.mp4, np.uint8), "said": text_array(json.dumps(said))}
        self.add("sound_previews", arrays)

    def _write_predictions(self) -> None:
        classes = [self.text if name == "dog" else name for name in CLASSES]
        self.video = Video("clip-1", None, classes[1], None, "source 7")
        main = {"video_only": [[0.5, 0.25, 0.25], [0.25, 0.5, 0.25]]}
        self.add(
            "predictions",
            {"classes": classes, "arms": {a: {"probabilities": p} for a, p in main.items()}},
        )
        compared = {"filtered": [[0.125, 0.75, 0.125]] * 2}
        kept = {"filtered": [True, False]}
        self.add("comparison_predictions", {"classes": classes, "arms": compared, "kept": kept})
        similarity = np.float32([[0, 1, 0], [0.5, 0.25, 0]])
        scores = np.zeros((SEEDS, len(NAMES)), np.float32)
        scores[:, 42] = 0.5, 1.0
        self.add("predicted_labels", {"similarity": similarity, "scores": scores})
        posterior = np.float32([[0.5, 0.25, 0.25], [0.5, 0.5, 0]])
        self.add("video_posterior", {"probabilities": posterior})


@pytest.fixture
def made(tmp_path: Path) -> Made:
    return Made(tmp_path)


def test_the_numbers_of_a_page_are_those_of_the_artifacts(made: Made) -> None:
    page = Reader(made.draw())
    steps = page.table("steps")
    assert [float(row["motion (pixels/s)"]) for row in steps] == made.motion
    cosines = [float(row["cosine of generated and real audio"]) for row in steps]
    assert cosines == pytest.approx(made.cosine.tolist())
    assert [row["representative"] for row in steps] == [str(i in (1, 3)) for i in range(STEPS)]
    assert [float(row["frame at (s)"]) for row in steps] == pytest.approx(made.times.tolist())
    assert [float(row["begins (s)"]) for row in steps] == [0, 0.5, 1, 1.5, 2, 2.5]
    features = page.table("features")
    assert len(features) == STEPS * DIM
    for row in features:
        place = int(row["step"]), int(row["feature"])
        assert float(row["generated"]) == pytest.approx(made.generated[place], abs=1e-5)
        assert float(row["real"]) == pytest.approx(made.real[place], abs=1e-5)
    waveform = page.table("waveform")
    assert max(float(row["largest"]) for row in waveform) == pytest.approx(8000 / 32768, abs=1e-3)
    probabilities = page.table("probabilities")
    assert [float(row["video_only"]) for row in probabilities] == [0.375, 0.375, 0.25]
    assert [float(row["filtered"]) for row in probabilities] == [0.125, 0.75, 0.125]


def test_labels_captions_and_the_preview_are_named(made: Made) -> None:
    text = Reader(made.draw()).text
    assert "retrieved, not generated" in text.lower()
    assert "clip-of-training" in text and "0.8125" in text and "Of 40 training sounds" in text
    assert re.search("of the source group source-of-training ?, which is another one", text)
    for index, number in ((7, "0.9"), (99, "0.8"), (11, "0.75"), (12, "0.5"), (42, "0.75")):
        assert re.search(rf"{re.escape(NAMES[index])}\s+{re.escape(number)}\b", text), NAMES[index]
    assert f"{NAMES[3]} 0.625" in text
    assert re.search(r"0\.74 s: a dog barks", text) and re.search(r"1\.74 s: second", text)


def test_an_arm_is_right_or_wrong_by_the_mean_over_seeds(made: Made) -> None:
    text = Reader(made.draw()).text
    assert re.search(r"video_only cat 0\.375 .*? no 1 of 2 filtered", text)
    assert re.search(r"filtered a dog barks 0\.75 .*? yes 2 of 2", text)


def test_the_filter_says_what_it_keeps_and_why(made: Made) -> None:
    """Similarity under the posterior: 0.25 * 1 of seed 0, 0.5 * 0.5 + 0.5 * 0.25 of seed 1."""
    text = Reader(made.draw()).text
    assert "0 kept 0.25 0.2 1 rejected 0.375 0.4" in text


def test_both_videos_are_in_the_page(made: Made) -> None:
    page = Reader(made.draw())
    videos = page.named("video")
    assert len(videos) == 2
    for video in videos:
        content = base64.b64decode((video["src"] or "").partition("base64,")[2])
        assert content == made.mp4
        assert "controls" in video and video["aria-label"]


def test_a_page_without_anything_says_why(tmp_path: Path) -> None:
    made = Made(tmp_path)
    for stage in WORDS:
        made.lose(stage, "not_allowed", f"because of {stage}")
    page = Reader(made.draw())
    for stage, words in WORDS.items():
        assert f"{words} {stage} not_allowed because of {stage}" in page.text
    assert "This video could not be used: not_allowed because of probe" in page.text
    assert not page.named("video") and not page.named("svg")


@pytest.mark.parametrize("lost", sorted({*WORDS} - OF_OTHER_SYSTEMS))
def test_any_artifact_may_be_absent(tmp_path: Path, lost: str) -> None:
    """One that is gone takes nothing else with it but what is drawn from it."""
    made = Made(tmp_path)
    made.lose(lost, "timeout", "decoding was stopped after 300 s")
    page = Reader(made.draw())
    assert f"{WORDS[lost]} {lost} timeout decoding was stopped after 300 s" in page.text
    assert "What is absent, and why" in page.text


@pytest.mark.parametrize("text", [HOSTILE, LONG])
def test_hostile_text_is_shown_as_text(tmp_path: Path, text: str) -> None:
    made = Made(tmp_path, text)
    made.lose("wav", "no_stream", text)
    made.video = Video("clip-1", None, text, None, text)
    source = made.draw()
    page, plain = Reader(source), Reader(Made(tmp_path).draw())
    assert not page.named("script") and not page.named("b")
    for tag, attributes in page.elements:
        assert not any(name.startswith("on") or name == "style" for name in attributes), tag
    assert {tag for tag, _ in page.elements} <= {tag for tag, _ in plain.elements}
    assert "".join(page.texts).count(text) >= 8  # label, captions, reasons and more
    policies = [meta["content"] or "" for meta in page.named("meta") if "http-equiv" in meta]
    assert len(policies) == 1 and policies[0].startswith("default-src 'none'")


def test_a_page_is_the_same_each_time(made: Made) -> None:
    assert made.draw() == made.draw()


def test_a_training_clip_is_said_to_be_one_and_not_judged(made: Made) -> None:
    assert "This is a training clip" not in Reader(made.draw()).text
    page = Reader(made.draw("train"))
    assert re.search(r"\bsplit train\b", page.text)
    for words in (
        "This is a training clip. The classifiers were fitted on it and its label",
        "generators that were fitted without its source group",
        "projection of all audio features was fitted on the usable sound of all training clips",
        "So were the prototypes of labels",
        "classifiers that were fitted without its source group",
    ):
        assert words in page.text
    assert "masks" not in page.text
    assert not re.search(r"\b[12] of 2\b", page.text)
    assert not {"right", "seeds that are right"} & set(headings(page))
    assert {"right", "seeds that are right"} <= set(headings(Reader(made.draw())))


def headings(page: Reader) -> list[str]:
    """The texts of the page, to look for those of columns."""
    return [text.strip() for text in page.texts]


def test_a_training_clip_without_a_preview_is_said_to_be_one(made: Made) -> None:
    """With the CNN-RNN alone: neither audio nor prototypes are spoken of."""
    said = {"classes": CLASSES, "arms": {"cnn_rnn": [[0.2, 0.5, 0.3]]}, "learnt_from": True}
    for stage in list(made.inputs):
        del made.inputs[stage], made.rows[stage]
    made.add("cnn_rnn_predictions", said)
    made.video = Video("clip-1", None, "dog", None, "source")
    page = Reader(made.draw("train"))
    assert "This is a training clip. The classifiers were fitted on it" in page.text
    assert "generat" not in page.text and "prototype" not in page.text
    assert "right" not in headings(page)


def test_only_networks_of_this_run_were_fitted_on_its_training_clips(made: Made) -> None:
    made.add("avs_tables", lambda path: path.write_text("second,audio\n0,yes\n"))
    ready = CONFIG | {"avs": {"checkpoint": "networks"}}
    for config, is_fitted in ((CONFIG, True), (ready, False)):
        page = PageDrawer(config, CHOICE).draw(made.video, made.inputs, made.rows, "train")
        text = Reader(page).text
        assert "This is a training clip" in text
        assert ("networks that mark what sounds were fitted on it" in text) == is_fitted


def test_what_a_stage_says_it_has_learnt_from_is_not_judged(made: Made) -> None:
    """The CNN-RNN may have other training clips than the run."""
    said = {"classes": CLASSES, "arms": {"cnn_rnn": [[0.2, 0.5, 0.3]]}, "learnt_from": True}
    made.add("cnn_rnn_predictions", said)
    text = Reader(made.draw()).text
    assert "Not judged, since fitted to this clip or its source: cnn_rnn" in text
    assert re.search(r"cnn_rnn dog 0\.5 .*?– –", text)
    assert re.search(r"filtered a dog barks 0\.75 .*? yes 2 of 2", text)
    made.add("cnn_rnn_predictions", said | {"learnt_from": False})
    assert "Not judged" not in Reader(made.draw()).text


def test_a_validation_clip_says_what_was_chosen_on_it(made: Made) -> None:
    text = Reader(made.draw("val")).text
    assert "This is a validation clip. Chosen on validation clips, this one included" in text
    for chosen in ("checkpoints of the classifiers", "of the generators", "bound of the filter"):
        assert chosen in text
    assert "validation clip" not in Reader(made.draw("test")).text
    assert re.search(r"filtered a dog barks 0\.75 .*? yes 2 of 2", text)


def test_arms_of_one_name_are_told_apart(made: Made) -> None:
    """Those that say the same are one arm; others have the names of their stages."""
    classes = made.inputs["predictions"].json()["classes"]
    other = {"video_only": [[0.125, 0.125, 0.75]], "same": [[0.5, 0.25, 0.25]]}
    kept: dict[str, object] = {"kept": {}}
    made.add("comparison_predictions", {"classes": classes, "arms": other, **kept})
    made.add("pilot_predictions", {"classes": classes, "arms": {"same": [[0.5, 0.25, 0.25]]}})
    page = Reader(made.draw())
    assert re.search(r"video_only \(predictions\) cat 0\.375", page.text)
    assert re.search(r"video_only \(comparison_predictions\) hen 0\.75", page.text)
    rows = page.table("probabilities")
    names = ["video_only (predictions)", "video_only (comparison_predictions)", "same"]
    assert list(rows[0]) == ["class", *names]
    assert [float(row[names[1]]) for row in rows] == [0.125, 0.125, 0.75]


def test_each_arm_has_its_own_classes(made: Made) -> None:
    """A stage with other classes, in another order, is not read with those of the first."""
    said = {"classes": ["owl", "hen", "a dog barks"], "arms": {"cnn_rnn": [[0.625, 0.25, 0.125]]}}
    made.add("cnn_rnn_predictions", said)
    page = Reader(made.draw())
    assert re.search(r"cnn_rnn owl 0\.625 .*? no 0 of 1", page.text)
    by_class = {row["class"]: row for row in page.table("probabilities")}
    assert set(by_class) == {"cat", "a dog barks", "hen", "owl"}
    assert float(by_class["hen"]["cnn_rnn"]) == 0.25
    assert float(by_class["a dog barks"]["cnn_rnn"]) == 0.125
    assert by_class["cat"]["cnn_rnn"] == by_class["owl"]["video_only"] == ""


def test_what_is_a_mean_over_generators_says_so(made: Made) -> None:
    text = Reader(made.draw()).text
    of_seeds = "mean over 2 seeds of the generator"
    for before in (
        "Generated audio features, ",
        "Cosine of generated (",
        "Carried by the generated audio (architecture 2, ",
        "Predicted from the generated audio (architecture 1, ",
        "Projected audio features, generated: ",
        "its features are nearest to the generated ones (",
    ):
        assert f"{before}{of_seeds}" in text, before


def test_no_carried_label_is_said_in_words(made: Made) -> None:
    arrays = made.inputs["sound_previews"].tensors()
    said = json.loads(arrays["said"].tobytes()) | {"carried": []}
    made.add("sound_previews", {**arrays, "said": text_array(json.dumps(said))})
    text = Reader(made.draw()).text
    assert "none. No label's prototype has a cosine above 0 with it." in text
    assert f"{NAMES[12]} 0.5" in text  # the real audio's


def test_a_run_without_labels_says_so(made: Made) -> None:
    drawn = PageDrawer(CONFIG, CHOICE, has_labels=False).draw(made.video, made.inputs, made.rows)
    assert "no labels to learn from" in Reader(drawn).text
    assert "no labels to learn from" not in Reader(made.draw()).text


def test_masks_lie_on_the_pictures_of_their_seconds(made: Made) -> None:
    """A grey picture of which the right half is marked, in one of two seconds, beside padding."""
    probabilities = np.zeros((2, 64, 96), np.uint8)
    probabilities[1, :48, 32:] = 255
    masks = {"probabilities": probabilities, "threshold": np.array([0.5])}
    made.add("avs_masks", masks | {"statuses": np.array([0, 0], np.uint8)})
    made.add(
        "avs_frames",
        {
            "frames": np.full((2, 64, 96, 3), 100, np.uint8),
            "size": np.array([48, 64]),
            "native": np.array([96, 128]),
            "starts": np.array([0.0, 1.0]),
            "ends": np.array([1.0, 2.0]),
        },
    )
    before = {image["href"] for image in Reader(made_without_masks(made)).named("image")}
    new = [one for one in Reader(made.draw()).named("image") if one["href"] not in before]
    pictures = [decoded(one["href"]) for one in new]
    assert [picture.shape for picture in pictures] == [(48, 64, 3)] * 2
    assert np.abs(pictures[0].astype(int) - 100).max() < 5
    left, right = pictures[1][4:-4, 4:24], pictures[1][8:-8, 40:56]
    assert np.abs(left.astype(int) - 100).max() < 12
    assert right[..., 2].mean() > 130 > 90 > right[..., 0].mean()  # red; OpenCV has it last
    guessed = [STATUSES.index(HYPOTHETICAL), STATUSES.index(SOUNDS)]
    made.add("avs_masks", masks | {"statuses": np.array(guessed, np.uint8)})
    page = Reader(made.draw())
    noted = [decoded(one["href"]) for one in page.named("image") if one["href"] not in before]
    assert "1 of 2 hypothetical, from generated audio" in page.text
    assert noted[0][:4, :40].mean() < 60 and np.array_equal(noted[1], pictures[1])


def made_without_masks(made: Made) -> str:
    inputs = {name: one for name, one in made.inputs.items() if not name.startswith("avs_")}
    return PageDrawer(CONFIG, CHOICE).draw(made.video, inputs, made.rows)


def decoded(uri: str | None) -> np.ndarray:
    content = base64.b64decode((uri or "").partition(";base64,")[2])
    return cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)


def test_players_show_the_first_frame_before_they_play(made: Made) -> None:
    made.add("overlay_copies", lambda path: path.write_bytes(made.mp4))
    videos = Reader(made.draw()).named("video")
    assert len(videos) == 3
    for video in videos:
        kind, _, content = (video["poster"] or "").partition(";base64,")
        assert kind == "data:image/jpeg"
        image = cv2.imdecode(np.frombuffer(base64.b64decode(content), np.uint8), cv2.IMREAD_COLOR)
        assert image.shape == (48, 64, 3)
        assert np.abs(image.mean(axis=(0, 1)) - (0, 0, 254)).max() < 12  # blue, green, red
    made.add("clip_copies", lambda path: path.write_bytes(b"no video"))
    first, second, _ = Reader(made.draw()).named("video")
    assert "poster" not in first and "poster" not in second


def test_a_long_video_says_what_the_player_shows(made: Made) -> None:
    short = {**CONFIG, "report": {"preview_seconds": 1}}
    text = Reader(PageDrawer(short, CHOICE).draw(made.video, made.inputs, made.rows)).text
    assert "The player shows the first 1 s" in text
    assert "The player shows" not in Reader(made.draw()).text


def test_events_stand_on_the_axis_and_seconds_in_a_table(made: Made) -> None:
    events = [
        {"file_milliseconds": 1500, "kind": HOSTILE},
        {"file_milliseconds": 2750, "kind": "b"},
    ]
    made.add("events", {"events": events})
    made.add("avs_tables", lambda path: path.write_text("second,audio\n0,yes\n1,no\n"))
    made.add("overlay_copies", lambda path: path.write_bytes(made.mp4))
    page = Reader(made.draw())
    assert "1.5 " + " ".join(HOSTILE.split()) in page.text and "2.75 b" in page.text
    assert page.table("sounding") == [
        {"second": "0", "audio": "yes"},
        {"second": "1", "audio": "no"},
    ]
    assert len(page.named("video")) == 3
