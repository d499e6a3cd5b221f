"""Loaded by worker processes alone (overhead.py puts this folder on their path): times what is not training.

Between the end of one epoch (training and validation) and the start of the next, a training process snapshots its
state, hands it to the checkpoint writer and posts its report. Each such gap goes to the file HPO_GAPS as a line.
"""

import os
import time

if "HPO_WORKER_DEVICE" in os.environ and "HPO_GAPS" in os.environ:
    from hpo.training.run import Run

    epoch = Run._epoch

    def timed(self: Run, *args: object) -> object:
        began = time.perf_counter()
        if (ended := vars(self).get("ended_at")) is not None:
            with open(os.environ["HPO_GAPS"], "a") as gaps:  # noqa: PTH123 - the fewest imports
                gaps.write(f"{began - ended}\n")
        report = epoch(self, *args)  # type: ignore[arg-type]
        vars(self)["ended_at"] = time.perf_counter()
        return report

    Run._epoch = timed  # type: ignore[assignment,method-assign]
