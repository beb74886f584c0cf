"""A small BLIP that captions the world's frames; its eye starts from the trained ViT.

Frames with colours that have no name get a random colour in the sentence so far and teach all other
words, so that a combination that is missing in training does not become unlikely.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from transformers import (
    BertTokenizer,
    BlipConfig,
    BlipForConditionalGeneration,
    BlipImageProcessor,
    ViTModel,
)

from unmuted.demo_world.vocabulary import BACKGROUNDS, COLOURS, OBJECTS, SCENES

from .attributes import augmented
from .data import IMAGE_SIZE, NO_TARGET, SEED, Pictures
from .loop import fit
from .train_vit import CONFIG as VIT

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "[DEC]"]
PAD, UNKNOWN, SEP, START = 0, 1, 3, 5
TEXT = {
    "hidden_size": 128,
    "encoder_hidden_size": VIT["hidden_size"],
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 256,
    "max_position_embeddings": 32,
    "projection_dim": 128,
    "bos_token_id": START,
    "eos_token_id": SEP,
    "sep_token_id": SEP,
    "pad_token_id": PAD,
}


def build_tokenizer() -> BertTokenizer:
    """A WordPiece tokenizer of the words that captions consist of, and of single letters."""
    sentences = [f"{scene.sentence} {scene.sign}" for scene in SCENES.values()]
    words = " ".join([*sentences, *OBJECTS, *COLOURS, *BACKGROUNDS, "in front of"]).split()
    known = sorted({word for word in words if word.isalpha()})
    letters = list("abcdefghijklmnopqrstuvwxyz")
    tokens = [*SPECIAL, *known, *letters, *(f"##{letter}" for letter in letters)]
    vocabulary = {token: i for i, token in enumerate(dict.fromkeys(tokens))}
    return BertTokenizer(vocab=vocabulary, do_lower_case=True, bos_token="[DEC]")


def train_blip(frames: Pictures, vit: Path, folder: Path, epochs: int) -> None:
    """Train on frames and their captions and save model, image processor and tokenizer."""
    torch.manual_seed(SEED)
    tokenizer = build_tokenizer()
    vision = {key: value for key, value in VIT.items() if not key.endswith("prob")}
    config = BlipConfig(
        text_config={**TEXT, "vocab_size": len(tokenizer)},
        vision_config={**vision, "layer_norm_eps": 1e-12},
        projection_dim=128,
    )
    model = BlipForConditionalGeneration(config)
    model.vision_model.load_state_dict(vision_weights(ViTModel.from_pretrained(vit)), strict=True)
    encoded = tokenizer(frames.captions, padding=True, return_tensors="np")
    tokens = encoded["input_ids"].copy()  # (N, L)
    tokens[:, 0] = START
    colours = np.array(tokenizer.convert_tokens_to_ids(list(COLOURS)))
    nameless = frames.targets["colour"] == NO_TARGET  # (N,)
    rng = np.random.default_rng([SEED, 5])

    def loss_of(indices: np.ndarray) -> torch.Tensor:
        mirrored = rng.random(len(indices)) < 0.5
        words = tokens[indices]
        unknown = nameless[indices, None] & (words == UNKNOWN)  # the colour that has no name
        labels = np.where((words == PAD) | unknown, NO_TARGET, words)
        words[unknown] = rng.choice(colours, unknown.sum())
        return model(
            pixel_values=augmented(frames.images[indices], mirrored, rng),
            input_ids=torch.from_numpy(words),
            attention_mask=torch.from_numpy(words != PAD).long(),
            labels=torch.from_numpy(labels),
        ).loss

    count = len(frames.images)
    fit("blip", list(model.parameters()), loss_of, count, epochs, batch=64, rate=1e-3, seed=SEED)
    model.eval().save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    BlipImageProcessor(
        size={"height": IMAGE_SIZE, "width": IMAGE_SIZE},
        image_mean=[0.5, 0.5, 0.5],
        image_std=[0.5, 0.5, 0.5],
    ).save_pretrained(folder)


def vision_weights(vit: ViTModel) -> dict[str, torch.Tensor]:
    """The ViT's weights under the names of BLIP's vision model, which is the same network."""
    state = vit.state_dict()
    weights = {
        "embeddings.class_embedding": state["embeddings.cls_token"],
        "embeddings.position_embedding": state["embeddings.position_embeddings"],
        "post_layernorm.weight": state["layernorm.weight"],
        "post_layernorm.bias": state["layernorm.bias"],
    }
    for kind in ("weight", "bias"):
        weights[f"embeddings.patch_embedding.{kind}"] = state[
            f"embeddings.patch_embeddings.projection.{kind}"
        ]
        for layer in range(vit.config.num_hidden_layers):
            old, new = f"layers.{layer}", f"encoder.layers.{layer}"
            attention = [state[f"{old}.attention.{name}_proj.{kind}"] for name in "qkv"]
            weights[f"{new}.self_attn.qkv.{kind}"] = torch.cat(attention)
            weights[f"{new}.self_attn.projection.{kind}"] = state[f"{old}.attention.o_proj.{kind}"]
            for theirs, ours in (
                ("layernorm_before", "layer_norm1"),
                ("layernorm_after", "layer_norm2"),
                ("mlp.fc1", "mlp.fc1"),
                ("mlp.fc2", "mlp.fc2"),
            ):
                weights[f"{new}.{ours}.{kind}"] = state[f"{old}.{theirs}.{kind}"]
    return weights
