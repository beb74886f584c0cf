# The CNN-RNN recogniser, whose samples need a frame sequence only.
rule join_cnn_rnn_sources:
    input:
        stage_inputs("cnn_rnn_sources"),
    output:
        "results/{scenario}cnn_rnn_sources.ledger.csv",
    log:
        "results/logs/{scenario}join_cnn_rnn_sources/all.log",
    benchmark:
        "results/benchmarks/{scenario}join_cnn_rnn_sources/all.tsv"
    conda:
        ENVIRONMENT
    resources:
        **CPU_MODEL,
    params:
        fingerprint=job_fingerprints("cnn_rnn_sources"),
    script:
        "../scripts/join_cnn_rnn_sources.py"


rule train_cnn_rnn:
    input:
        stage_inputs("cnn_rnn"),
    output:
        "results/{scenario}cnn_rnn/{seeds}.ledger.csv",
    log:
        "results/logs/{scenario}train_cnn_rnn/{seeds}.log",
    benchmark:
        "results/benchmarks/{scenario}train_cnn_rnn/{seeds}.tsv"
    conda:
        ENVIRONMENT
    resources:
        **GPU_TRAINING,
    params:
        fingerprint=job_fingerprints("cnn_rnn"),
    script:
        "../scripts/train_cnn_rnn.py"


rule select_cnn_rnn:
    input:
        stage_inputs("cnn_rnn_selection"),
    output:
        "results/{scenario}cnn_rnn_selection.ledger.csv",
    log:
        "results/logs/{scenario}select_cnn_rnn/all.log",
    benchmark:
        "results/benchmarks/{scenario}select_cnn_rnn/all.tsv"
    conda:
        ENVIRONMENT
    resources:
        **GPU_CHOICE,
    params:
        fingerprint=job_fingerprints("cnn_rnn_selection"),
    script:
        "../scripts/select_cnn_rnn.py"


rule predict_cnn_rnn:
    input:
        stage_inputs("cnn_rnn_predictions"),
    output:
        "results/{scenario}cnn_rnn_predictions/{shard}.ledger.csv",
    log:
        "results/logs/{scenario}predict_cnn_rnn/{shard}.log",
    benchmark:
        "results/benchmarks/{scenario}predict_cnn_rnn/{shard}.tsv"
    conda:
        ENVIRONMENT
    resources:
        **GPU_SERVING,
    params:
        fingerprint=job_fingerprints("cnn_rnn_predictions"),
    script:
        "../scripts/predict_cnn_rnn.py"


rule animate_cnn_rnn:
    input:
        stage_inputs("cnn_rnn_animations"),
    output:
        "results/{scenario}cnn_rnn_animations/{shard}.ledger.csv",
    log:
        "results/logs/{scenario}animate_cnn_rnn/{shard}.log",
    benchmark:
        "results/benchmarks/{scenario}animate_cnn_rnn/{shard}.tsv"
    conda:
        ENVIRONMENT
    resources:
        **MEDIA,
    params:
        fingerprint=job_fingerprints("cnn_rnn_animations"),
    script:
        "../scripts/animate_cnn_rnn.py"
