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
    threads: THREADS
    resources:
        **GPU_MODEL,
    params:
        recipe=visit("noise_ast"),
    script:
        "../scripts/extract_noise.py"


rule find_swap_partners:
    input:
        reads("swap_partners"),
    output:
        "results/{variant}swap_partners.ledger.csv",
    log:
        "results/logs/{variant}find_swap_partners/all.log",
    benchmark:
        "results/benchmarks/{variant}find_swap_partners/all.tsv"
    conda:
        ENVIRONMENT
    resources:
        **CPU_MODEL,
    params:
        recipe=visit("swap_partners"),
    script:
        "../scripts/find_swap_partners.py"


rule train_comparison:
    input:
        reads("comparison_classifier"),
    output:
        "results/{variant}comparison_classifier/{seeds}.ledger.csv",
    log:
        "results/logs/{variant}train_comparison/{seeds}.log",
    benchmark:
        "results/benchmarks/{variant}train_comparison/{seeds}.tsv"
    conda:
        ENVIRONMENT
    resources:
        **GPU_TRAINING,
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
    resources:
        **GPU_CHOICE,
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
    resources:
        **GPU_SERVING,
    params:
        recipe=visit("comparison_predictions"),
    script:
        "../scripts/predict_comparison.py"
