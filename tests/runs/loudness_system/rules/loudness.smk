rule measure_loudness:
    input:
        stage_inputs("loudness"),
    output:
        "results/{scenario}loudness/{shard}.ledger.csv",
    log:
        "results/logs/{scenario}measure_loudness/{shard}.log",
    resources:
        **MEDIA,
    params:
        fingerprint=job_fingerprints("loudness"),
    script:
        "../scripts/measure_loudness.py"


rule fit_loudness:
    input:
        stage_inputs("loudness_means"),
    output:
        "results/{scenario}loudness_means.ledger.csv",
    log:
        "results/logs/{scenario}fit_loudness/all.log",
    resources:
        **CPU_FIT,
    params:
        fingerprint=job_fingerprints("loudness_means"),
    script:
        "../scripts/fit_loudness.py"
