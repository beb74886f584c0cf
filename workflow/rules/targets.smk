# What the rules that sum up a system ask for. Needs RUN and in_words.
from unmuted.engine.sharded_dataset import by_unit

AVS_SHOWN = ("sounding.mp4", "masks.zip", "sounding.csv")


@in_words
def highlights_targets(wildcards):
    """Return the table of all arms, and timelines and reels of the first test match's shard.

    A match without highlights has no reel, so no file of a single match is asked for.
    """
    RUN.check_experiment()
    splits, units = RUN.dataset.splits, by_unit(RUN.dataset.videos)
    tested = [
        unit for unit, videos in units.items() if "test" in map(splits.get, videos)
    ]
    shard = RUN.dataset.require_unit_shard(tested[0])
    ledgers = [RUN.layout.ledger(stage, shard) for stage in ("timelines", "reels")]
    return ["results/highlights_metrics.json", *ledgers]


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
