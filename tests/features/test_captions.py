"""BLIP captions against plain transformers on the same weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoTokenizer, BlipForConditionalGeneration, BlipImageProcessor

from models_fixture import save_blip, save_vit
from unmuted.errors import UserError
from unmuted.features.captions import Captioner
from unmuted.models.loading import ModelSpec

CPU = torch.device("cpu")
DTYPES = [torch.float32, torch.bfloat16]


@pytest.fixture(scope="module")
def blip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_blip(tmp_path_factory.mktemp("blip"))


@pytest.fixture(scope="module")
def pictures() -> np.ndarray:
    """uint8 (10, 40, 72, 3)"""
    rng = np.random.default_rng(11)
    coarse = rng.integers(0, 255, (10, 5, 9, 3)).repeat(8, axis=1).repeat(8, axis=2)
    return coarse.astype(np.uint8)


def greedy_reference(folder: Path, picture: np.ndarray, length: int) -> str:
    """The likeliest next word piece, again and again, without caches or batches."""
    model = BlipForConditionalGeneration.from_pretrained(folder).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    pixels = BlipImageProcessor.from_pretrained(folder)(picture, return_tensors="pt").pixel_values
    text = model.config.text_config
    tokens = [text.bos_token_id]
    with torch.no_grad():
        seen = model.vision_model(pixels).last_hidden_state
        while len(tokens) <= length and tokens[-1] != text.sep_token_id:
            logits = model.text_decoder(torch.tensor([tokens]), encoder_hidden_states=seen).logits
            tokens.append(int(logits[0, -1].argmax()))
    return " ".join(tokenizer.decode(tokens[1:], skip_special_tokens=True).split())


def test_captions_are_greedy_decoding(blip: Path, pictures: np.ndarray) -> None:
    captions = Captioner(ModelSpec(path=blip), CPU, torch.float32, 8).caption(pictures[:5])
    assert captions == [greedy_reference(blip, picture, 8) for picture in pictures[:5]]
    assert len(set(captions)) > 1  # the picture matters
    assert not any("[" in caption for caption in captions)


def test_what_blip_sees_equals_transformers(blip: Path, pictures: np.ndarray) -> None:
    captioner = Captioner(ModelSpec(path=blip), CPU, torch.float32, 8)
    reference = BlipForConditionalGeneration.from_pretrained(blip).eval().vision_model
    pixels = BlipImageProcessor.from_pretrained(blip)(list(pictures), return_tensors="pt")
    with torch.inference_mode():
        seen = captioner.model.vision_model(pixels.pixel_values).last_hidden_state
        expected = reference(pixels.pixel_values).last_hidden_state
    assert expected.std() > 0.1
    torch.testing.assert_close(seen, expected, atol=1e-4, rtol=0)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("beams", [1, 3])
def test_captions_do_not_depend_on_the_company(
    blip: Path, pictures: np.ndarray, dtype: torch.dtype, beams: int
) -> None:
    captioner = Captioner(ModelSpec(path=blip), CPU, dtype, 8, num_beams=beams, batch_size=4)
    together = captioner.caption(pictures)
    assert captioner.caption(pictures) == together
    assert captioner.caption(pictures[::-1]) == together[::-1]
    assert [captioner.caption(pictures[i : i + 1])[0] for i in range(10)] == together


def test_batches_cross_the_borders_of_clips_of_any_size(blip: Path, pictures: np.ndarray) -> None:
    captioner = Captioner(ModelSpec(path=blip), CPU, torch.float32, 8, batch_size=4)
    clips = {"a": pictures[:3], "none": pictures[:0], "wide": pictures[3:6, :30], "b": pictures[6:]}
    found = dict(captioner.caption_clips(clips.items()))
    assert found == {name: captioner.caption(own) for name, own in clips.items()}
    assert list(found) == list(clips)


def test_beam_search_finds_captions_of_its_own(blip: Path, pictures: np.ndarray) -> None:
    spec = ModelSpec(path=blip)
    greedy = Captioner(spec, CPU, torch.float32, 8).caption(pictures)
    assert Captioner(spec, CPU, torch.float32, 8, num_beams=4).caption(pictures) != greedy


def test_captions_keep_to_their_length(blip: Path, pictures: np.ndarray) -> None:
    captioner = Captioner(ModelSpec(path=blip), CPU, torch.float32, 2)
    assert max(len(caption.split()) for caption in captioner.caption(pictures)) <= 2
    assert captioner.caption(pictures[:0]) == []


def test_a_model_that_is_no_captioner_is_refused(tmp_path: Path, blip: Path) -> None:
    with pytest.raises(UserError, match="tokenizer"):
        Captioner(ModelSpec(path=save_vit(tmp_path)), CPU, torch.float32, 8)
