"""A search by Ray Tune: the other peer of live.py.

As its guides teach it: OptunaSearch proposes, ASHA stops, as many trials at once as there are cores, each with one
thread; peer_training.py. It needs `ray[tune]`, in an environment of its own.
https://docs.ray.io/en/latest/tune/examples/optuna_example.html and
https://docs.ray.io/en/latest/tune/examples/tune-pytorch-cifar.html
"""

import os
from typing import Any

import ray
import torch
from peer_training import BATCH_SIZES, DROPOUT, LR, WEIGHT_DECAY, arguments, train
from ray import tune
from ray.tune.schedulers import ASHAScheduler
from ray.tune.search.optuna import OptunaSearch


def main() -> None:
    options = arguments("peer_ray.py", __doc__.splitlines()[0]).parse_args()
    ray.init(num_cpus=len(os.sched_getaffinity(0)), include_dashboard=False, log_to_driver=False)

    def trainable(params: dict[str, Any]) -> None:
        torch.set_num_threads(1)
        for metrics in train(params, options.seed, options):
            tune.report(metrics)

    tuner = tune.Tuner(
        tune.with_resources(trainable, {"cpu": 1}),
        param_space={
            "lr": tune.loguniform(*LR),
            "weight_decay": tune.loguniform(*WEIGHT_DECAY),
            "dropout": tune.uniform(*DROPOUT),
            "batch_size": tune.choice(BATCH_SIZES),
        },
        tune_config=tune.TuneConfig(
            metric="val_accuracy",
            mode="max",
            search_alg=OptunaSearch(seed=options.seed),
            scheduler=ASHAScheduler(max_t=options.epochs),
            num_samples=options.trials,
        ),
        run_config=tune.RunConfig(storage_path=str(options.home.absolute()), verbose=0),
    )
    if errors := tuner.fit().errors:
        raise errors[0]


if __name__ == "__main__":
    main()
