# The CNN-RNN recogniser: its training, the choice of its checkpoints, and what it says of every video.
rule train_cnn_rnn:
    input:
        reads("cnn_rnn"),
    output:
        "results/{variant}cnn_rnn/{seeds}.ledger.csv",
    log:
        "results/logs/{variant}train_cnn_rnn/{seeds}.log",
    benchmark:
        "results/benchmarks/{variant}train_cnn_rnn/{seeds}.tsv"
    conda:
        ENVIRONMENT
    resources:
        **GPU_TRAINING,
    params:
        recipe=visit("cnn_rnn"),
    script:
        "../scripts/train_cnn_rnn.py"


rule select_cnn_rnn:
    input:
        reads("cnn_rnn_selection"),
    output:
        "results/{variant}cnn_rnn_selection.ledger.csv",
    log:
        "results/logs/{variant}select_cnn_rnn/all.log",
    benchmark:
        "results/benchmarks/{variant}select_cnn_rnn/all.tsv"
    conda:
        ENVIRONMENT
    resources:
        **GPU_CHOICE,
    params:
        recipe=visit("cnn_rnn_selection"),
    script:
        "../scripts/select_cnn_rnn.py"


rule predict_cnn_rnn:
    input:
        reads("cnn_rnn_predictions"),
    output:
        "results/{variant}cnn_rnn_predictions/{shard}.ledger.csv",
    log:
        "results/logs/{variant}predict_cnn_rnn/{shard}.log",
    benchmark:
        "results/benchmarks/{variant}predict_cnn_rnn/{shard}.tsv"
    conda:
        ENVIRONMENT
    resources:
        **GPU_SERVING,
    params:
        recipe=visit("cnn_rnn_predictions"),
    script:
        "../scripts/predict_cnn_rnn.py"


rule animate_cnn_rnn:
    input:
        reads("cnn_rnn_animations"),
    output:
        "results/{variant}cnn_rnn_animations/{shard}.ledger.csv",
    log:
        "results/logs/{variant}animate_cnn_rnn/{shard}.log",
    benchmark:
        "results/benchmarks/{variant}animate_cnn_rnn/{shard}.tsv"
    conda:
        ENVIRONMENT
    resources:
        **MEDIA,
    params:
        recipe=visit("cnn_rnn_animations"),
    script:
        "../scripts/animate_cnn_rnn.py"
