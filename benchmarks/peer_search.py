"""The usual search script, as the tutorials of Optuna and MLflow teach it: the peer of live.py.

One process; recipe.py's data set, DataLoader and loop; AdamW at a constant rate; Optuna's TPE and MedianPruner on an
SQLite file; MLflow told synchronously, epoch by epoch. The model is ours, so that only the way of searching differs.
https://github.com/optuna/optuna-examples/blob/main/pytorch/pytorch_simple.py and
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
from hpo.training.config import SimpleCnn
from hpo.training.models.registry import build_model

PADDING = 2


def main() -> None:
    """Search; `--out` gets {"epochs": [[seconds since the start, validation accuracy], ...]}."""
    parser = argparse.ArgumentParser(prog="peer_search.py", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="torchvision's root")
    parser.add_argument("--home", type=Path, required=True, help="an empty folder for both stores")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--train", type=int, default=10_000)
    parser.add_argument("--val", type=int, default=5_000)
    options = parser.parse_args()
    started = time.time()
    seen: list[tuple[float, float]] = []
    mlflow.set_tracking_uri(f"sqlite:///{options.home.resolve()}/mlflow.db")
    mlflow.set_experiment("peer")
    study = optuna.create_study(
        storage=f"sqlite:///{options.home}/studies.db",
        direction="maximize",
        sampler=optuna.samplers.TPESampler(seed=options.seed),
        pruner=optuna.pruners.MedianPruner(),
    )

    def objective(trial: optuna.Trial) -> float:
        with mlflow.start_run(nested=True):
            return train(trial, options, lambda accuracy: seen.append((time.time() - started, accuracy)))

    with mlflow.start_run():
        study.optimize(objective, n_trials=options.trials)
    options.out.write_text(json.dumps({"seconds": time.time() - started, "epochs": seen}))


def train(trial: optuna.Trial, options: argparse.Namespace, tell: recipe.Tell) -> float:
    """One trial: validation accuracy of its last epoch."""
    lr = trial.suggest_float("lr", 3e-4, 1e-2, log=True)
    weight_decay = trial.suggest_float("weight_decay", 1e-4, 0.3, log=True)
    dropout = trial.suggest_float("dropout", 0.0, 0.5)
    batch_size = trial.suggest_categorical("batch_size", [32, 64, 128, 256])
    mlflow.log_params(trial.params)
    torch.manual_seed(options.seed * 1000 + trial.number)
    model = build_model(SimpleCnn(dropout=dropout), num_classes=10, in_channels=1, image_size=28)
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=weight_decay)
    train_loader, val_loader = recipe.loaders(
        options.data,
        train=range(options.train),
        val=range(options.train, options.train + options.val),
        batch_size=batch_size,
        workers=0,
        padding=PADDING,
    )
    accuracy = 0.0
    for epoch in range(options.epochs):
        train_loss = recipe.train_epoch(model, train_loader, optimizer, torch.contiguous_format)
        val_loss, accuracy = recipe.validate(model, val_loader, torch.contiguous_format)
        for name, value in {"train_loss": train_loss, "val_loss": val_loss, "val_accuracy": accuracy}.items():
            mlflow.log_metric(name, value, step=epoch)
        tell(accuracy)
        trial.report(accuracy, epoch)
        if trial.should_prune():
            raise optuna.TrialPruned
    return accuracy


if __name__ == "__main__":
    main()
