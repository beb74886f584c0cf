"""The decoder of both generators: what a step may see, and what it is told."""

from __future__ import annotations

import pytest
import torch

from unmuted.systems.shared.audio_decoder import WAVES, AudioDecoder, positions


@pytest.mark.parametrize("both", [True, False])
def test_only_a_bidirectional_decoder_hears_a_hit_before_it_is_seen(both: bool) -> None:
    torch.manual_seed(0)
    model = AudioDecoder(4, 4, 8, 3, 0.0, both).eval()
    x = torch.randn(1, 6, 4)
    later = x.clone()
    later[0, 4] += 1  # a hit in the fifth step
    with torch.no_grad():
        change = (model(later, later) - model(x, x)).abs().sum(dim=-1)[0]  # (T,)
    assert (change[4:] > 0).all()
    assert bool((change[:4] > 0).all()) == both
    assert bool((change[:4] == 0).all()) != both


def test_positions_tell_every_step_of_a_clip_from_every_other() -> None:
    where = positions(18, torch.device("cpu"))
    assert where.shape == (18, 2 * WAVES) and where.abs().max() <= 1
    apart = torch.cdist(where, where) + torch.eye(18)
    assert apart.min() > 0.05


def test_positions_are_those_of_the_clip_whatever_its_number_of_steps() -> None:
    few, many = (positions(steps, torch.device("cpu")) for steps in (6, 11))
    torch.testing.assert_close(few, many[::2])


def test_the_mean_picture_has_its_own_way_to_the_mean_sound() -> None:
    model = AudioDecoder(4, 4, 8, 3, 0.0, both=True).eval()
    torch.nn.init.zeros_(model.head.weight)
    torch.nn.init.zeros_(model.head.bias)
    seen = torch.randn(2, 6, 4)
    with torch.no_grad():
        audio = model(seen, seen)
        expected = torch.nn.functional.linear(
            seen.mean(dim=1), model.of_clip.weight, model.of_clip.bias
        )
    torch.testing.assert_close(audio, expected[:, None].expand(-1, 6, -1))
