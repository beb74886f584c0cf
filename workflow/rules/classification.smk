# One classifier per arm and seed, its snapshot chosen on validation, its predictions.
rule train_classifier:
    input:
        reads("classifier"),
    output:
        "results/{variant}classifier/{seeds}.ledger.csv",
    log:
        "results/logs/{variant}train_classifier/{seeds}.log",
    benchmark:
        "results/benchmarks/{variant}train_classifier/{seeds}.tsv"
    conda:
        ENVIRONMENT
    resources:
        **GPU_TRAINING,
    params:
        recipe=visit("classifier"),
    script:
        "../scripts/train_classifier.py"


rule select_classifier:
    input:
        reads("selection"),
    output:
        "results/{variant}selection.ledger.csv",
    log:
        "results/logs/{variant}select_classifier/all.log",
    benchmark:
        "results/benchmarks/{variant}select_classifier/all.tsv"
    conda:
        ENVIRONMENT
    resources:
        **GPU_CHOICE,
    params:
        recipe=visit("selection"),
    script:
        "../scripts/select_classifier.py"


rule predict_classes:
    input:
        reads("predictions"),
    output:
        "results/{variant}predictions/{shard}.ledger.csv",
    log:
        "results/logs/{variant}predict_classes/{shard}.log",
    benchmark:
        "results/benchmarks/{variant}predict_classes/{shard}.tsv"
    conda:
        ENVIRONMENT
    resources:
        **GPU_SERVING,
    params:
        recipe=visit("predictions"),
    script:
        "../scripts/predict_classes.py"
