"""`hpo run` with a number of workers of one thread each.

workers.py starts it. One worker alone would take every core.

Arguments: workers, home, study, and the rest of RunOptions as one JSON object.
"""

import json
import sys
from pathlib import Path

import hpo
from hpo.search.commands.run import run as search_run
from hpo.search.executors.worker_process import Placement


def main(workers: int, home: Path, study: str, options: str) -> None:
    """Search, and print the study as JSON."""
    search_run.place = lambda *_: [Placement("cpu", 1)] * workers
    chosen = hpo.RunOptions(home=home, study=study, sampler="random", pruner="none", **json.loads(options))
    print(json.dumps(hpo.run(chosen).to_json()))


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]), *sys.argv[3:])
