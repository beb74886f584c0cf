"""The table that `make highlights-demo` ends with."""

from __future__ import annotations

from unmuted.systems.highlights.table import format_highlights


def contrast(delta: float, ci95: list[float], is_primary: bool) -> dict:
    return {
        "delta": delta,
        "ci95": ci95,
        "p_adjusted": 0.0812,
        "primary": is_primary,
        "verdict": "no difference shown",
    }


def test_arms_have_intervals_and_stand_above_chance() -> None:
    tight = {"mean": 0.6123, "ci95": [0.57, 0.65]}
    report = {
        "arms": {"both": {"tight": tight, "loose": None, "f1_5s": tight}},
        "ensembles": {
            "both": {
                "tight": {"value": 0.7, "ci95": [0.6, 0.8]},
                "loose": {"value": 0.75, "ci95": [0.6, 0.9]},
                "f1_5s": {"value": 0.5, "ci95": [0.4, 0.6]},
            }
        },
        "notes": ["no test match has an event of Penalty"],
        "loudness": {"tight": {"mean": None}},
        "chance": {"tight": {"random_20": 0.05}, "loose": {"random_20": 0.3}},
        "contrasts": {
            "both-video_only": contrast(0.4672, [0.248, 0.632], False),
            "generated_audio-mean_audio.area": contrast(0.0721, [-0.007, 0.169], True),
        },
        "reel": {
            "arm": "both",
            "recall": 31 / 35,
            "shown_events": 35,
            "segments": 29,
            "precision": 25 / 29,
        },
    }
    header, *rows = format_highlights(report).splitlines()
    blank = rows.index("")
    rows, (_, _, primary, second, _, reel, note) = rows[:blank], rows[blank:]
    assert primary.split()[:4] == ["generated_audio-mean_audio.area", "+7.2", "[-0.7,", "+16.9]"]
    assert primary.endswith("p 0.081, primary, no difference shown")
    assert second.startswith("both-video_only") and "+46.7 [+24.8, +63.2]" in second
    assert "89 % of 35 shown events lie in one of 29 segments" in reel and "86 % of these" in reel
    assert note == "no test match has an event of Penalty"
    assert header.split("  ")[-1].strip() == "F1 at 5 s"
    assert [row.split() for row in rows] == [
        *(["both", "0.612", "[0.570,", "0.650]", "-", "0.612", "[0.570,", "0.650]"],),
        ["loudness", "-", "-", "-"],
        [
            *("both,", "ensemble", "0.700", "[0.600,", "0.800]"),
            *("0.750", "[0.600,", "0.900]", "0.500", "[0.400,", "0.600]"),
        ],
        ["chance", "random_20", "0.050", "0.300", "-"],
    ]
