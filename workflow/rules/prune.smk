# Results of videos that left the run are kept until they are pruned.
rule prune:
    log:
        "results/logs/prune/all.log",
    localrule: True
    run:
        prune_absent(log[0])
