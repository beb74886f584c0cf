"""The source documents' way from a clip to its features, as they describe it.

Every int(fps / 6)-th frame; Farneback flow scaled per pair; a wav; ViT on each of the 36 images in
float32; AST on 18 segments of the sound, each padded to the model's whole window. Two things differ
from the documents: ViT keeps its patch embedding (they replace it by Identity, which costs as much
and means nothing), and the models are loaded once.
"""

from __future__ import annotations

import subprocess
import wave
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import torch
from transformers import (
    ASTFeatureExtractor,
    ASTForAudioClassification,
    ViTImageProcessor,
    ViTModel,
)

from unmuted.media.ffmpeg import binary

STEPS = 18
RATE = 16_000


class SourceWay:
    """Models of the source, loaded once; `batch` pictures go through ViT together."""

    def __init__(self, vit: Path, ast: Path, batch: int = STEPS) -> None:
        self.pictures = ViTImageProcessor.from_pretrained(vit)
        self.vit = ViTModel.from_pretrained(vit, add_pooling_layer=False, dtype=torch.float32)
        self.sounds = ASTFeatureExtractor.from_pretrained(ast)
        self.ast = ASTForAudioClassification.from_pretrained(ast, dtype=torch.float32)
        self.vit.eval(), self.ast.eval()
        self.batch = batch

    def clip(self, video: Path, folder: Path) -> dict[str, np.ndarray]:
        """Everything of one clip, saved as arrays in `folder`."""
        frames = read_frames(video)
        flow = draw_flow(frames)
        samples = read_sound(video, folder / "sound.wav")
        found = {
            "frames": frames,
            "flow": flow,
            "vit_rgb": self.see(frames),
            "vit_flow": self.see(flow),
            "ast": self.hear(samples),
        }
        for name, array in found.items():
            np.save(folder / f"{name}.npy", array)
        return found

    @torch.inference_mode()
    def see(self, images: np.ndarray) -> np.ndarray:
        """The mean patch token of each picture, float32 (N, D)."""
        found = []
        for start in range(0, len(images), self.batch):
            few = list(images[start : start + self.batch])
            tokens = self.vit(**self.pictures(few, return_tensors="pt")).last_hidden_state
            found.append(tokens[:, 1:].mean(dim=1).numpy())
        return np.concatenate(found)

    @torch.inference_mode()
    def hear(self, samples: np.ndarray) -> np.ndarray:
        """The mean patch token of each of 18 segments, float32 (18, D), in a pass each."""
        found = []
        for segment in np.array_split(samples, STEPS):
            inputs = self.sounds(segment, sampling_rate=RATE, return_tensors="pt")
            tokens = self.ast.audio_spectrogram_transformer(**inputs).last_hidden_state
            found.append(tokens[0, 2:].mean(dim=0).numpy())
        return np.stack(found)


def read_frames(video: Path) -> np.ndarray:
    """Every int(fps / 6)-th frame, the first 18 of them: uint8 (18, H, W, 3), RGB."""
    capture = cv2.VideoCapture(str(video))
    every = int(capture.get(cv2.CAP_PROP_FPS) / 6)
    frames = []
    while len(frames) < STEPS * every:
        there, frame = capture.read()
        if not there:
            break
        frames.append(frame)
    capture.release()
    return np.stack([cv2.cvtColor(frame, cv2.COLOR_BGR2RGB) for frame in frames[::every][:STEPS]])


def draw_flow(frames: np.ndarray) -> np.ndarray:
    """Flow between neighbours as colours, the first picture twice: uint8 (18, H, W, 3)."""
    grey = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in frames]
    pictures = []
    for before, after in pairwise(grey):
        flow = cv2.calcOpticalFlowFarneback(before, after, None, 0.5, 3, 15, 3, 5, 1.2, 0)
        size, angle = cv2.cartToPolar(flow[..., 0], flow[..., 1])
        hsv = np.full_like(frames[0], 255)
        hsv[..., 0] = angle * 180 / np.pi / 2
        hsv[..., 2] = cv2.normalize(size, None, 0, 255, cv2.NORM_MINMAX)
        pictures.append(cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB))
    return np.stack([pictures[0], *pictures])


def read_sound(video: Path, wav: Path) -> np.ndarray:
    """The sound as mono at 16 kHz, by ffmpeg through a wav: float32 (n,) in -1..1."""
    command = [binary(), "-nostdin", "-v", "error", "-y", "-i", video, "-vn", "-ac", "1"]
    command += ["-ar", str(RATE), "-c:a", "pcm_s16le", wav]
    subprocess.run([str(one) for one in command], check=True)
    with wave.open(str(wav)) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    return samples.astype(np.float32) / 32768
