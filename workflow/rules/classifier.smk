# The action classifier of the main experiment: training, selection, predictions.
rule train_fold_classifier:
    input:
        stage_inputs("fold_classifier"),
    output:
        "results/{scenario}fold_classifier/{seeds}.ledger.csv",
    log:
        "results/logs/{scenario}train_fold_classifier/{seeds}.log",
    benchmark:
        "results/benchmarks/{scenario}train_fold_classifier/{seeds}.tsv"
    conda:
        ENVIRONMENT
    resources:
        **GPU_TRAINING,
    params:
        fingerprint=job_fingerprints("fold_classifier"),
    script:
        "../scripts/train_fold_classifier.py"


rule predict_video_posterior:
    input:
        stage_inputs("video_posterior"),
    output:
        "results/{scenario}video_posterior/{shard}.ledger.csv",
    log:
        "results/logs/{scenario}predict_video_posterior/{shard}.log",
    benchmark:
        "results/benchmarks/{scenario}predict_video_posterior/{shard}.tsv"
    conda:
        ENVIRONMENT
    resources:
        **GPU_SERVING,
    params:
        fingerprint=job_fingerprints("video_posterior"),
    script:
        "../scripts/predict_video_posterior.py"


rule average_class_sound:
    input:
        stage_inputs("class_sound"),
    output:
        "results/{scenario}class_sound.ledger.csv",
    log:
        "results/logs/{scenario}average_class_sound/all.log",
    benchmark:
        "results/benchmarks/{scenario}average_class_sound/all.tsv"
    conda:
        ENVIRONMENT
    resources:
        **CPU_MODEL,
    params:
        fingerprint=job_fingerprints("class_sound"),
    script:
        "../scripts/average_class_sound.py"


rule expect_class_sound:
    input:
        stage_inputs("expected_sound"),
    output:
        "results/{scenario}expected_sound/{shard}.ledger.csv",
    log:
        "results/logs/{scenario}expect_class_sound/{shard}.log",
    benchmark:
        "results/benchmarks/{scenario}expect_class_sound/{shard}.tsv"
    conda:
        ENVIRONMENT
    resources:
        **MEDIA,
    params:
        fingerprint=job_fingerprints("expected_sound"),
    script:
        "../scripts/expect_class_sound.py"


rule train_classifier:
    input:
        stage_inputs("classifier"),
    output:
        "results/{scenario}classifier/{seeds}.ledger.csv",
    log:
        "results/logs/{scenario}train_classifier/{seeds}.log",
    benchmark:
        "results/benchmarks/{scenario}train_classifier/{seeds}.tsv"
    conda:
        ENVIRONMENT
    resources:
        **GPU_TRAINING,
    params:
        fingerprint=job_fingerprints("classifier"),
    script:
        "../scripts/train_classifier.py"


rule select_classifier:
    input:
        stage_inputs("selection"),
    output:
        "results/{scenario}selection.ledger.csv",
    log:
        "results/logs/{scenario}select_classifier/all.log",
    benchmark:
        "results/benchmarks/{scenario}select_classifier/all.tsv"
    conda:
        ENVIRONMENT
    resources:
        **GPU_CHOICE,
    params:
        fingerprint=job_fingerprints("selection"),
    script:
        "../scripts/select_classifier.py"


rule predict_classes:
    input:
        stage_inputs("predictions"),
    output:
        "results/{scenario}predictions/{shard}.ledger.csv",
    log:
        "results/logs/{scenario}predict_classes/{shard}.log",
    benchmark:
        "results/benchmarks/{scenario}predict_classes/{shard}.tsv"
    conda:
        ENVIRONMENT
    resources:
        **GPU_SERVING,
    params:
        fingerprint=job_fingerprints("predictions"),
    script:
        "../scripts/predict_classes.py"
