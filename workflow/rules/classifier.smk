# The action classifier of the main experiment: training, selection, predictions.
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
