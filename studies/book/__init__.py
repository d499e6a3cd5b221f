"""The study as hpo keeps it in Optuna's store: opening it, who owns a trial."""
