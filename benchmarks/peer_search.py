"""The usual search script of tutorials: the peer of live.py.

As the tutorials of Optuna and MLflow teach it. One process; peer_training.py; Optuna's TPE and MedianPruner on an
SQLite file; MLflow told synchronously at every epoch.
https://github.com/optuna/optuna-examples/blob/main/pytorch/pytorch_simple.py and
https://mlflow.org/docs/latest/ml/traditional-ml/tutorials/hyperparameter-tuning/notebooks/hyperparameter-tuning-with-child-runs/
"""

import argparse

import mlflow
import optuna
from hpo.common.sqlite_url import sqlite_url
from peer_training import BATCH_SIZES, DROPOUT, LR, WEIGHT_DECAY, arguments, train


def main() -> None:
    options = arguments("peer_search.py", __doc__.splitlines()[0]).parse_args()
    mlflow.set_tracking_uri(sqlite_url(options.home / "mlflow.db"))
    mlflow.set_experiment("search")
    study = optuna.create_study(
        storage=sqlite_url(options.home / "studies.db"),
        direction="maximize",
        sampler=optuna.samplers.TPESampler(seed=options.seed),
        pruner=optuna.pruners.MedianPruner(),
    )

    def objective(trial: optuna.Trial) -> float:
        with mlflow.start_run(nested=True):
            return run(trial, options)

    with mlflow.start_run():
        study.optimize(objective, n_trials=options.trials)


def run(trial: optuna.Trial, options: argparse.Namespace) -> float:
    """Train one trial; return the validation accuracy of its last epoch."""
    trial.suggest_float("lr", *LR, log=True)
    trial.suggest_float("weight_decay", *WEIGHT_DECAY, log=True)
    trial.suggest_float("dropout", *DROPOUT)
    trial.suggest_categorical("batch_size", BATCH_SIZES)
    mlflow.log_params(trial.params)
    accuracy = 0.0
    for epoch, metrics in enumerate(train(trial.params, options.seed * 1000 + trial.number, options)):
        mlflow.log_metrics(metrics, step=epoch)
        accuracy = metrics["val_accuracy"]
        trial.report(accuracy, epoch)
        if trial.should_prune():
            raise optuna.TrialPruned
    return accuracy


if __name__ == "__main__":
    main()
