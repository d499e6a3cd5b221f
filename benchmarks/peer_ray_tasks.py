"""Trials that do nothing or sleep, by Ray Tune: the peer of scale_ray.py.

    python peer_ray_tasks.py ADDRESS TRIALS WORKERS REPORTS EPOCH_S

prints a JSON object: the wall seconds of the search, and the CPU seconds of this process, Ray's driver.
"""

import json
import sys
import time
from typing import Any

import ray
from ray import tune


def main(address: str, trials: int, workers: int, reports: int, epoch_s: float) -> None:
    ray.init(address, log_to_driver=False, logging_level="ERROR")

    def trainable(params: dict[str, Any]) -> None:
        for epoch in range(1, reports + 1):
            time.sleep(epoch_s)
            tune.report({"val_accuracy": 1 - 1 / (epoch + 1)})

    tuner = tune.Tuner(
        tune.with_resources(trainable, {"cpu": 1}),
        param_space={"lr": tune.loguniform(1e-4, 1.0)},
        tune_config=tune.TuneConfig(
            metric="val_accuracy", mode="max", num_samples=trials, max_concurrent_trials=workers, reuse_actors=True
        ),
        run_config=tune.RunConfig(verbose=0),
    )
    began, cpu = time.monotonic(), time.process_time()
    results = tuner.fit()
    if results.errors:
        raise results.errors[0]
    print(json.dumps({"wall_s": time.monotonic() - began, "cpu_s": time.process_time() - cpu}))


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:5]), float(sys.argv[5]))
