# Every way to fill missing audio, on the same clips: classifiers, their choice, their predictions.
rule extract_noise:
    input:
        reads("noise_ast"),
    output:
        "results/{variant}noise_ast/{shard}.ledger.csv",
    log:
        "results/logs/{variant}extract_noise/{shard}.log",
    benchmark:
        "results/benchmarks/{variant}extract_noise/{shard}.tsv"
    conda:
        ENVIRONMENT
    threads: PROJECT.config["threads"]
    resources:
        gpu=1,
        mem_mb=growing(6000),
        runtime=growing(120),
    params:
        recipe=visit("noise_ast"),
    script:
        "../scripts/extract_noise.py"


rule train_comparison:
    input:
        reads("comparison_classifier"),
    output:
        "results/{variant}comparison_classifier/seed-{seed}.ledger.csv",
    log:
        "results/logs/{variant}train_comparison/seed-{seed}.log",
    benchmark:
        "results/benchmarks/{variant}train_comparison/seed-{seed}.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        gpu=1,
        mem_mb=growing(8000),
        runtime=growing(240),
    params:
        recipe=visit("comparison_classifier"),
    script:
        "../scripts/train_comparison.py"


rule select_comparison:
    input:
        reads("comparison_selection"),
    output:
        "results/{variant}comparison_selection.ledger.csv",
    log:
        "results/logs/{variant}select_comparison/all.log",
    benchmark:
        "results/benchmarks/{variant}select_comparison/all.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        gpu=1,
        mem_mb=growing(8000),
        runtime=growing(60),
    params:
        recipe=visit("comparison_selection"),
    script:
        "../scripts/select_comparison.py"


rule predict_comparison:
    input:
        reads("comparison_predictions"),
    output:
        "results/{variant}comparison_predictions/{shard}.ledger.csv",
    log:
        "results/logs/{variant}predict_comparison/{shard}.log",
    benchmark:
        "results/benchmarks/{variant}predict_comparison/{shard}.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        gpu=1,
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        recipe=visit("comparison_predictions"),
    script:
        "../scripts/predict_comparison.py"
