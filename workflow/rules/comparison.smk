# The comparison of all arms on the same clips, and the reports that read its classifiers.
rule extract_degraded:
    input:
        stage_inputs("degraded_ast"),
    output:
        "results/{scenario}degraded_ast/{shard}.ledger.csv",
    log:
        "results/logs/{scenario}extract_degraded/{shard}.log",
    benchmark:
        "results/benchmarks/{scenario}extract_degraded/{shard}.tsv"
    conda:
        ENVIRONMENT
    threads: THREADS
    resources:
        **GPU_MODEL,
    params:
        fingerprint=job_fingerprints("degraded_ast"),
    script:
        "../scripts/extract_degraded.py"


rule find_swap_partners:
    input:
        stage_inputs("swap_partners"),
    output:
        "results/{scenario}swap_partners.ledger.csv",
    log:
        "results/logs/{scenario}find_swap_partners/all.log",
    benchmark:
        "results/benchmarks/{scenario}find_swap_partners/all.tsv"
    conda:
        ENVIRONMENT
    resources:
        **CPU_MODEL,
    params:
        fingerprint=job_fingerprints("swap_partners"),
    script:
        "../scripts/find_swap_partners.py"


rule train_fold_teacher:
    input:
        stage_inputs("fold_teacher"),
    output:
        "results/{scenario}fold_teacher/{seeds}.ledger.csv",
    log:
        "results/logs/{scenario}train_fold_teacher/{seeds}.log",
    benchmark:
        "results/benchmarks/{scenario}train_fold_teacher/{seeds}.tsv"
    conda:
        ENVIRONMENT
    resources:
        **GPU_TRAINING,
    params:
        fingerprint=job_fingerprints("fold_teacher"),
    script:
        "../scripts/train_fold_teacher.py"


rule predict_teacher_posterior:
    input:
        stage_inputs("teacher_posterior"),
    output:
        "results/{scenario}teacher_posterior/{shard}.ledger.csv",
    log:
        "results/logs/{scenario}predict_teacher_posterior/{shard}.log",
    benchmark:
        "results/benchmarks/{scenario}predict_teacher_posterior/{shard}.tsv"
    conda:
        ENVIRONMENT
    resources:
        **GPU_SERVING,
    params:
        fingerprint=job_fingerprints("teacher_posterior"),
    script:
        "../scripts/predict_teacher_posterior.py"


rule train_comparison:
    input:
        stage_inputs("comparison_classifier"),
    output:
        "results/{scenario}comparison_classifier/{seeds}.ledger.csv",
    log:
        "results/logs/{scenario}train_comparison/{seeds}.log",
    benchmark:
        "results/benchmarks/{scenario}train_comparison/{seeds}.tsv"
    conda:
        ENVIRONMENT
    resources:
        **GPU_TRAINING,
    params:
        fingerprint=job_fingerprints("comparison_classifier"),
    script:
        "../scripts/train_comparison.py"


rule select_comparison:
    input:
        stage_inputs("comparison_selection"),
    output:
        "results/{scenario}comparison_selection.ledger.csv",
    log:
        "results/logs/{scenario}select_comparison/all.log",
    benchmark:
        "results/benchmarks/{scenario}select_comparison/all.tsv"
    conda:
        ENVIRONMENT
    resources:
        **GPU_CHOICE,
    params:
        fingerprint=job_fingerprints("comparison_selection"),
    script:
        "../scripts/select_comparison.py"


rule predict_comparison:
    input:
        stage_inputs("comparison_predictions"),
    output:
        "results/{scenario}comparison_predictions/{shard}.ledger.csv",
    log:
        "results/logs/{scenario}predict_comparison/{shard}.log",
    benchmark:
        "results/benchmarks/{scenario}predict_comparison/{shard}.tsv"
    conda:
        ENVIRONMENT
    resources:
        **GPU_SERVING,
    params:
        fingerprint=job_fingerprints("comparison_predictions"),
    script:
        "../scripts/predict_comparison.py"
