"""The usual search script of tutorials: the peer of live.py.

As the tutorials of Optuna and MLflow teach it. One process; recipe.py's data set, DataLoader and loop; AdamW at a
constant rate; Optuna's TPE and MedianPruner on an SQLite file; MLflow told synchronously at every epoch. The network,
its initialisation and the four ranges are those of our simple_cnn.yaml, so that only the way of training and searching
differs. https://github.com/optuna/optuna-examples/blob/main/pytorch/pytorch_simple.py and
https://mlflow.org/docs/latest/ml/traditional-ml/tutorials/hyperparameter-tuning/notebooks/hyperparameter-tuning-with-child-runs/
"""

import argparse
import json
import time
from pathlib import Path

import mlflow
import optuna
import recipe
import torch
from hpo.common.sqlite_url import sqlite_url
from hpo.training.models.build import build_model
from hpo.training.models.config import SimpleCnn


def main() -> None:
    parser = argparse.ArgumentParser(prog="peer_search.py", description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="torchvision's root")
    parser.add_argument("--split", type=Path, required=True, help='{"train": [...], "val": [...]}: which images')
    parser.add_argument("--home", type=Path, required=True, help="an empty folder for both stores and epochs.jsonl")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--no-augment", action="store_true", help="no random crops and flips")
    options = parser.parse_args()
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
            return train(trial, options)

    with mlflow.start_run():
        study.optimize(objective, n_trials=options.trials)


def train(trial: optuna.Trial, options: argparse.Namespace) -> float:
    """Train one trial; return the validation accuracy of its last epoch.

    Every epoch is a line [Unix time, accuracy] as well.
    """
    lr = trial.suggest_float("lr", 3e-4, 1e-2, log=True)
    weight_decay = trial.suggest_float("weight_decay", 1e-4, 0.3, log=True)
    dropout = trial.suggest_float("dropout", 0.0, 0.5)
    batch_size = trial.suggest_categorical("batch_size", [32, 64, 128, 256])
    mlflow.log_params(trial.params)
    torch.manual_seed(options.seed * 1000 + trial.number)
    model = build_model(SimpleCnn(dropout=dropout), num_classes=10, in_channels=1, image_size=28)
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=weight_decay)
    split = json.loads(options.split.read_text())
    train_loader, val_loader = recipe.loaders(
        options.data, **split, batch_size=batch_size, workers=0, augment=not options.no_augment
    )
    accuracy = 0.0
    for epoch in range(options.epochs):
        train_loss = recipe.train_epoch(model, train_loader, optimizer, torch.contiguous_format)
        val_loss, accuracy = recipe.validate(model, val_loader, torch.contiguous_format)
        mlflow.log_metrics({"train_loss": train_loss, "val_loss": val_loss, "val_accuracy": accuracy}, step=epoch)
        with (options.home / "epochs.jsonl").open("a") as epochs_file:
            epochs_file.write(json.dumps([time.time(), accuracy]) + "\n")
        trial.report(accuracy, epoch)
        if trial.should_prune():
            raise optuna.TrialPruned
    return accuracy


if __name__ == "__main__":
    main()
