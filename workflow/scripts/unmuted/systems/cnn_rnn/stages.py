"""The CNN-RNN recogniser, whose samples need a frame sequence only."""

from __future__ import annotations

from unmuted.config.cnn_rnn import CnnRnnSettings
from unmuted.config.keys import keys_of
from unmuted.engine.stage import Family, Report, Stage

SEQUENCES = ("frames", "cnn_sequence")  # what a sample needs
CNN_RNN = ("cnn_rnn.sequence_length", *keys_of("cnn_rnn", CnnRnnSettings))
CNN_RNN_CLIPS = (
    "cnn_rnn.split",
    "cnn_rnn.tail_share",
)  # decide which clips are trained on

STAGES = (
    Stage(
        "cnn_rnn_sources",
        "join_cnn_rnn_sources",
        ".json",
        pooled=SEQUENCES,
        settings=("fits.unlabelled",),
        is_sharded=False,
        by_split=True,
    ),
    Stage(
        "cnn_rnn",
        "train_cnn_rnn",
        ".safetensors",
        pooled=SEQUENCES,
        settings=CNN_RNN,
        indirect_settings=(*CNN_RNN_CLIPS, "fits.unlabelled"),
        is_sharded=False,
        by_seed=True,
        splits=("train", "val"),  # of both in seed mode
        after=("cnn_rnn_sources",),
        version=2,
    ),
    Stage(
        "cnn_rnn_selection",
        "select_cnn_rnn",
        ".json",
        pooled=SEQUENCES,
        fits=("cnn_rnn",),
        settings=("cnn_rnn.sequence_length",),
        indirect_settings=(*CNN_RNN_CLIPS, "fits.unlabelled"),
        is_sharded=False,
        splits=("train", "val"),
        after=("cnn_rnn_sources",),
    ),
    Stage(
        "cnn_rnn_predictions",
        "predict_cnn_rnn",
        ".json",
        inputs=SEQUENCES,
        fits=("cnn_rnn_sources", "cnn_rnn", "cnn_rnn_selection"),
        settings=("cnn_rnn.sequence_length", "cnn_rnn.split", "seeds"),
        reads_splits=True,
    ),
    Stage(
        "cnn_rnn_animations",
        "animate_cnn_rnn",
        ".gif",
        inputs=("sequence_frames", "cnn_rnn_predictions"),
    ),
)
REPORTS = {
    "cnn_rnn_metrics": Report(
        "write_report",
        module="unmuted.systems.cnn_rnn.report",
        pooled=(*SEQUENCES, "cnn_rnn_predictions"),
        fits=("cnn_rnn_selection",),
    ),
}
EXPORTS = {
    "cnn_rnn.json": "cnn_rnn_predictions",
    "cnn_rnn.gif": "cnn_rnn_animations",
}
FAMILY = Family("cnn_rnn", STAGES, REPORTS, exports=EXPORTS)
