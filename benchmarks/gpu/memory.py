"""A training beyond its memory limit; one JSON object.

It must go on in smaller passes.
"""

import argparse
import json
import tempfile
from pathlib import Path

import torch
from hpo.training.config import TrialConfig
from hpo.training.data.prepare import prepare
from hpo.training.train import train

LIMIT_BYTES = 3 * 2**30  # for batches of 4,096 in a network that needs far more for them


def main() -> None:
    """Train one epoch in little memory, print its outcome."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", required=True)
    parser.add_argument("--source", required=True)
    parser.add_argument("--data-root", type=Path)
    options = parser.parse_args()
    if not options.device.startswith("cuda"):
        print(json.dumps({"skipped": "a CPU has no memory of its own to run out of"}))
        return
    total = torch.cuda.get_device_properties(options.device).total_memory
    torch.cuda.set_per_process_memory_fraction(LIMIT_BYTES / total, options.device)
    data = {"source": options.source, "image_size": 64, "batch_size": 4096, "max_train": 8192, "max_val": 500}
    tree = {"data": data, "model": {"name": "resnet", "depth": 18, "width": 64}, "budget": {"epochs": 1}}
    config = TrialConfig.model_validate({**tree, "optimizer": {"name": "adamw", "lr": 1e-3}})
    with tempfile.TemporaryDirectory() as folder:
        pack = prepare(config.data, cache=Path(folder) / "cache", data_root=options.data_root)
        *reports, result = train(config, pack=pack.path, directory=Path(folder) / "run", device=options.device)
    notes, peak = list(result.notes), [report.metrics.get("peak_memory_mb") for report in reports]
    print(
        json.dumps({"status": result.status, "notes": notes, "peak_memory_mb": peak, "limit_mb": LIMIT_BYTES / 2**20})
    )
    if result.status != "finished" or not notes:
        raise SystemExit("it must finish, and say that the batches were split")


if __name__ == "__main__":
    main()
