# The pilot: one LSTM for class and sound.
rule train_pilot:
    input:
        stage_inputs("pilot"),
    output:
        "results/{scenario}pilot/{seeds}.ledger.csv",
    log:
        "results/logs/{scenario}train_pilot/{seeds}.log",
    benchmark:
        "results/benchmarks/{scenario}train_pilot/{seeds}.tsv"
    conda:
        ENVIRONMENT
    resources:
        **GPU_TRAINING,
    params:
        fingerprint=job_fingerprints("pilot"),
    script:
        "../scripts/train_pilot.py"


rule select_pilot:
    input:
        stage_inputs("pilot_selection"),
    output:
        "results/{scenario}pilot_selection.ledger.csv",
    log:
        "results/logs/{scenario}select_pilot/all.log",
    benchmark:
        "results/benchmarks/{scenario}select_pilot/all.tsv"
    conda:
        ENVIRONMENT
    resources:
        **GPU_CHOICE,
    params:
        fingerprint=job_fingerprints("pilot_selection"),
    script:
        "../scripts/select_pilot.py"


rule generate_audio_with_pilot:
    input:
        stage_inputs("pilot_generated"),
    output:
        "results/{scenario}pilot_generated/{shard}.ledger.csv",
    log:
        "results/logs/{scenario}generate_audio_with_pilot/{shard}.log",
    benchmark:
        "results/benchmarks/{scenario}generate_audio_with_pilot/{shard}.tsv"
    conda:
        ENVIRONMENT
    resources:
        **GPU_SERVING,
    params:
        fingerprint=job_fingerprints("pilot_generated"),
    script:
        "../scripts/generate_audio_with_pilot.py"


rule predict_pilot:
    input:
        stage_inputs("pilot_predictions"),
    output:
        "results/{scenario}pilot_predictions/{shard}.ledger.csv",
    log:
        "results/logs/{scenario}predict_pilot/{shard}.log",
    benchmark:
        "results/benchmarks/{scenario}predict_pilot/{shard}.tsv"
    conda:
        ENVIRONMENT
    resources:
        **GPU_SERVING,
    params:
        fingerprint=job_fingerprints("pilot_predictions"),
    script:
        "../scripts/predict_pilot.py"
