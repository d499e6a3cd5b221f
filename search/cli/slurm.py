"""`hpo slurm-script`: a search as a job."""

import sys
from pathlib import Path

from ..commands.slurm_script.options import SlurmScriptOptions
from .common import command


@command
def slurm_script(options: SlurmScriptOptions) -> None:
    """Print a job script for Slurm's sbatch, with the flags of hpo run after `--`.

    hpo slurm-script --nodes 4 --time 8h -- --space resnet.yaml --trials 200 | sbatch
    """
    from ..commands.run.options import RunOptions
    from ..commands.slurm_script.slurm_script import slurm_script as script
    from .parse import parsed

    bin_folder = Path(sys.executable).parent
    program = [str(bin_folder / "hpo"), str(bin_folder / "ray"), sys.executable]
    print(script(options, parsed("run", options.arguments, RunOptions), program), end="")
