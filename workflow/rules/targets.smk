# What the rules that sum up a system ask for. Needs RUN and in_words.
from unmuted.engine.sharded_dataset import by_unit

AVS_SHOWN = ("sounding.mp4", "masks.zip", "sounding.csv")


@in_words
def highlights_targets(wildcards):
    """Return the table of all arms, and the reel and timeline of the first test match."""
    RUN.check_experiment()
    splits, units = RUN.dataset.splits, by_unit(RUN.dataset.videos)
    tested = [
        unit for unit, videos in units.items() if "test" in map(splits.get, videos)
    ]
    shown = [
        f"results/by_match/{tested[0]}/{name}" for name in ("reel.mp4", "timeline.png")
    ]
    return ["results/highlights_metrics.json", *shown]


@in_words
def segmentation_targets(wildcards):
    """Return the table of all arms, and what is shown of the first test video."""
    RUN.check_experiment()
    tested = [name for name, split in RUN.dataset.splits.items() if split == "test"]
    metrics = [] if RUN.config["avs"]["checkpoint"] else ["results/avs_metrics.json"]
    return [
        *metrics,
        "results/avs_masks.csv",
        *(f"results/by_video/{tested[0]}/{name}" for name in AVS_SHOWN),
    ]
