"""The source document's way from a half of a match to scores of its windows, as its code has it.

Every int(fps / 5)-th frame of the half in one float32 tensor; windows of 75 frames, one every 15,
so that each frame goes through the network five times, in float32; a spectrogram of the whole
sound. The network that joins them is left out: it costs little beside the frames'.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import nn

from unmuted.media.ffmpeg import binary

FRAMES_A_SECOND = 5
WINDOW, STRIDE = 75, 15  # frames
SIDE = 224  # pixels, to which pictures are squeezed
RATE, FFT, MELS = 48_000, 400, 64


def windows_of(frames: int) -> int:
    """How many windows a half of so many frames has."""
    return max(0, (frames - WINDOW) // STRIDE + 1)


@torch.inference_mode()
def score_half(video: Path, network: nn.Module) -> tuple[torch.Tensor, np.ndarray]:
    """Features of each window's frames, float32 (W, 75, F), and the spectrogram."""
    frames = read_frames(video)
    starts = range(0, windows_of(len(frames)) * STRIDE, STRIDE)
    features = [network(frames[start : start + WINDOW]) for start in starts]
    return torch.stack(features), hear(video)


def read_frames(video: Path) -> torch.Tensor:
    """Pictures float32 (N, 3, SIDE, SIDE) in -1..1."""
    capture = cv2.VideoCapture(str(video))
    every = int(capture.get(cv2.CAP_PROP_FPS) / FRAMES_A_SECOND)
    pictures = []
    number = 0
    while True:
        is_read, frame = capture.read()
        if not is_read:
            break
        if number % every == 0:
            small = cv2.resize(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB), (SIDE, SIDE))
            pictures.append(torch.from_numpy(small).permute(2, 0, 1).float() / 127.5 - 1)
        number += 1
    capture.release()
    return torch.stack(pictures)


def hear(video: Path) -> np.ndarray:
    """Log-mel spectrogram of the whole sound, float32 (MELS, T)."""
    from transformers.audio_utils import mel_filter_bank

    command = [binary(), "-v", "error", "-i", str(video), "-f", "f32le", "-ac", "1"]
    raw = subprocess.run([*command, "-ar", str(RATE), "-"], capture_output=True, check=True).stdout
    samples = torch.from_numpy(np.frombuffer(raw, np.float32).copy())
    spectrum = torch.stft(samples, FFT, window=torch.hann_window(FFT), return_complex=True)
    bank = torch.from_numpy(mel_filter_bank(FFT // 2 + 1, MELS, 0, RATE / 2, RATE)).float()
    return (bank.T @ spectrum.abs() ** 2).clamp_min(1e-10).log().numpy()
