"""Pictures of HDR and wide-gamut video as an SDR screen would show them.

Done here and not by ffmpeg, whose filters for it (zscale, libplacebo) are in some builds only.

The signal is decoded to light on a screen, relative to an SDR white of 100 cd/m2: PQ by SMPTE ST
2084, HLG by BT.2100 for a screen of 1000 cd/m2 with the system gamma of 1.2 on each channel (as
zscale has it), SDR by BT.1886. Colours go from BT.2020 to BT.709 primaries; what lies outside is
clipped. Tags that a file lacks are taken for those of BT.2020.

Up to 80 % of white nothing else changes, so that SDR content in an HDR video comes out as it was;
brighter parts are compressed so that 1000 cd/m2 become white, all channels by the same factor,
which keeps the hue.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

PQ, HLG = "smpte2084", "arib-std-b67"  # ffmpeg's names of the transfer functions
_HDR = {PQ: "PQ", HLG: "HLG"}
_SDR = {"bt709", "bt2020-10", "bt2020-12", "smpte170m", "unknown"}

WHITE = 100.0  # cd/m2
PEAK = 1000.0
KNEE = 0.8  # of white, below which light is left as it is
_SDR_GAMMA = 2.4

# To BT.709 primaries; all have a white of D65.
_BT2020 = [
    [1.660491, -0.587641, -0.072850],
    [-0.124550, 1.132900, -0.008349],
    [-0.018151, -0.100579, 1.118730],
]
_P3 = [
    [1.224940, -0.224940, 0.0],
    [-0.042057, 1.042057, 0.0],
    [-0.019638, -0.078636, 1.098274],
]
_TO_709 = {"bt709": np.eye(3).tolist(), "smpte432": _P3}


@dataclass(frozen=True)
class Colours:
    """What the codes of a picture mean, in ffmpeg's names: transfer, primaries and matrix.

    As text, `smpte2084/bt2020/bt2020nc`.
    """

    transfer: str
    primaries: str
    matrix: str

    @classmethod
    def parse(cls, text: str) -> Colours:
        """Return the colours of such a text; raise ValueError for another."""
        transfer, primaries, matrix = text.split("/")
        return cls(transfer, primaries, matrix)

    def __str__(self) -> str:
        """Return the text that `parse` reads."""
        return f"{self.transfer}/{self.primaries}/{self.matrix}"

    @property
    def is_hdr(self) -> bool:
        """Whether the codes are brightness of an HDR screen."""
        return self.transfer in _HDR

    @property
    def is_ordinary(self) -> bool:
        """Whether the codes are shown as they are, as those of nearly all videos."""
        return not self.is_hdr and not (self.primaries == "bt2020" and self.transfer in _SDR)

    @property
    def scale_options(self) -> dict[str, str]:
        """Options of ffmpeg's scaler: the matrix of BT.2020 where the frames name none."""
        return {"in_color_matrix": "bt2020"} if self.matrix in ("unknown", "reserved") else {}

    @property
    def note(self) -> str:
        """What the ledger says of pictures that are not ordinary."""
        if self.is_hdr:
            return f"HDR ({_HDR[self.transfer]}) video, shown as SDR"
        return "wide-gamut (BT.2020) video, shown as BT.709"


def to_sdr(codes: np.ndarray, colours: Colours) -> np.ndarray:
    """Return what an SDR screen shows.

    Args:
        codes: uint16 `(H, W, 3)`, RGB of the full range, as decoded.
        colours: what they mean; not ordinary.

    Returns:
        uint8 `(H, W, 3)`, RGB with BT.709 primaries.
    """
    gamut = np.array(_TO_709.get(colours.primaries, _BT2020), dtype=np.float32)
    light = _light(colours.transfer)[codes] @ gamut.T
    np.maximum(light, 0.0, out=light)
    if colours.is_hdr:
        brightest = light.max(axis=-1, keepdims=True)
        light *= compress(brightest) / np.maximum(brightest, np.float32(1e-6))
    np.minimum(light, 1.0, out=light)
    return np.rint(255.0 * light ** np.float32(1 / _SDR_GAMMA)).astype(np.uint8)


def compress(light: np.ndarray) -> np.ndarray:
    """Return light relative to white with the part above the knee bent, so that the peak is 1.

    A hyperbola that leaves the line y = x at the knee without a kink.
    """
    peak, knee = PEAK / WHITE, KNEE
    span = (1 - knee) * (peak - knee) / (peak - 1)
    above = np.maximum(light - knee, 0.0)
    return np.where(light > knee, knee + above * span / (above + span), light).astype(light.dtype)


@lru_cache(maxsize=4)
def _light(transfer: str) -> np.ndarray:
    """Return the light of each code, relative to white: float32 `(65536,)`."""
    signal = np.arange(65536) / 65535
    if transfer == PQ:
        m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
        power = signal ** (1 / m2)
        light = 10000 * (np.maximum(power - c1, 0) / (c2 - c3 * power)) ** (1 / m1) / WHITE
    elif transfer == HLG:
        a, b, c = 0.17883277, 0.28466892, 0.55991073
        scene = np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - c) / a) + b) / 12)
        light = scene**1.2 * PEAK / WHITE
    else:
        light = signal**_SDR_GAMMA
    return light.astype(np.float32)
