# Architecture 1: its generator, its semantic dictionary and the labels of its audio.
rule train_video_generator:
    input:
        stage_inputs("video_generator"),
    output:
        "results/{scenario}video_generator/{seeds}.ledger.csv",
    log:
        "results/logs/{scenario}train_video_generator/{seeds}.log",
    benchmark:
        "results/benchmarks/{scenario}train_video_generator/{seeds}.tsv"
    conda:
        ENVIRONMENT
    resources:
        **GPU_TRAINING,
    params:
        fingerprint=job_fingerprints("video_generator"),
    script:
        "../scripts/train_video_generator.py"


rule generate_audio_from_video:
    input:
        stage_inputs("video_generated"),
    output:
        "results/{scenario}video_generated/{shard}.ledger.csv",
    log:
        "results/logs/{scenario}generate_audio_from_video/{shard}.log",
    benchmark:
        "results/benchmarks/{scenario}generate_audio_from_video/{shard}.tsv"
    conda:
        ENVIRONMENT
    resources:
        **GPU_SERVING,
    params:
        fingerprint=job_fingerprints("video_generated"),
    script:
        "../scripts/generate_audio_from_video.py"


rule build_dictionary:
    input:
        stage_inputs("dictionary"),
    output:
        "results/{scenario}dictionary.ledger.csv",
    log:
        "results/logs/{scenario}build_dictionary/all.log",
    benchmark:
        "results/benchmarks/{scenario}build_dictionary/all.tsv"
    conda:
        ENVIRONMENT
    resources:
        **CPU_MODEL,
    params:
        fingerprint=job_fingerprints("dictionary"),
    script:
        "../scripts/build_dictionary.py"


rule predict_labels:
    input:
        stage_inputs("predicted_labels"),
    output:
        "results/{scenario}predicted_labels/{shard}.ledger.csv",
    log:
        "results/logs/{scenario}predict_labels/{shard}.log",
    benchmark:
        "results/benchmarks/{scenario}predict_labels/{shard}.tsv"
    conda:
        ENVIRONMENT
    resources:
        **CPU_MODEL,
    params:
        fingerprint=job_fingerprints("predicted_labels"),
    script:
        "../scripts/predict_labels.py"
