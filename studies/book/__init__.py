"""The study in Optuna's store: opening, owning trials, writing."""
