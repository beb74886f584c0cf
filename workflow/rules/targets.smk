# What the rules that sum up a system ask for. Needs RUN and in_words.
from unmuted.engine.sharded_dataset import by_unit
from unmuted.pipeline.families.site import (
    SYSTEMS,
    check_size,
    media_ledgers,
    shown_systems,
)
from unmuted.systems.pages import one_match, one_video

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


@in_words
def site_reports(wildcards):
    """Return the reports of the systems that are shown, media, and pages of matches.

    A run without labels has no reports. Raises UserError for more videos or pages than the site may
    have.
    """
    check_size(RUN)
    systems = shown_systems(RUN.config) if RUN.has_labels else ()
    files = [SYSTEMS[name].file for name in systems]
    quality = ["results/preview_quality.json"] if "arch2" in systems else []
    return list(dict.fromkeys([*files, *quality, *media_ledgers(RUN)]))


@in_words
def shown_ledgers(wildcards):
    """Return the input of the rule that shows one video."""
    return one_video.shown_ledgers(RUN, wildcards.video, wildcards.shown)


@in_words
def shown_fingerprint(wildcards):
    """Return the params of the rule that shows one video."""
    return one_video.shown_fingerprint(RUN, wildcards.video, wildcards.shown)


@in_words
def match_page_ledgers(wildcards):
    """Return the input of the rule that draws the page of one match."""
    return one_match.page_ledgers(RUN, wildcards.unit)


@in_words
def match_page_fingerprint(wildcards):
    """Return the params of the rule that draws the page of one match."""
    return one_match.page_fingerprint(RUN, wildcards.unit)
