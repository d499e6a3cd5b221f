"""The job script of a search, to be given to `sbatch`.

Slurm tells the script's shell alone that the time is up, WARNING_S before it is; that has `hpo run` pause its trials,
and puts the job in line again. So does a node that fails, by Slurm's own `--requeue`.
"""

import os
import shlex
from collections.abc import Sequence

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from ....errors import SpaceError
from ..run.options import RAY, RunOptions
from .options import SlurmScriptOptions

WARNING_S = 120
"""How long before the time limit a job is told: trials pause within 20 s, and checkpoints are on their way."""
_HEAD = """\
#!/bin/bash
#SBATCH --job-name={name}
#SBATCH --nodes={nodes}
#SBATCH --ntasks-per-node=1
#SBATCH --time={time}
#SBATCH --signal=B:TERM@{warning}
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=hpo-%j.log
{asked}
# Told that the time is up, the search pauses its trials, and the job is in line again. SIGTERM reaches this shell
# alone, which tells the search's processes: srun would have them killed.
set -u
ending=
stop() {{
    ending=yes
    step=$(squeue --steps --noheader --jobs="$SLURM_JOB_ID" --format='%i %j' | awk '$2 == "search" {{ print $1 }}')
    [ -z "$step" ] || scancel --signal=TERM "$step"
}}
trap stop TERM
"""
_COORDINATORS = """
# A coordinator on each node, all of one study.
srun --job-name=search --kill-on-bad-exit=0 --wait=0 {command} &
search=$!
"""
_CLUSTER = """
# A Ray cluster of this job alone: its token is in no file, its ports and folder are made from the job's number.
export RAY_AUTH_MODE=token RAY_AUTH_TOKEN RAY_USAGE_STATS_ENABLED=0
RAY_AUTH_TOKEN=$({python} -c 'import secrets; print(secrets.token_hex(32))')
head=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
address=$(srun --overlap --nodes=1 --ntasks=1 --nodelist="$head" hostname --ip-address | cut -d ' ' -f 1)
first=$((20000 + SLURM_JOB_ID % 400 * 100))
folder=/tmp/hpo-ray-$SLURM_JOB_ID
start=(
    {ray} start --block --disable-usage-stats{resources}
    --node-manager-port=$((first + 1)) --object-manager-port=$((first + 2)) --runtime-env-agent-port=$((first + 3))
    --metrics-export-port=$((first + 4)) --dashboard-agent-grpc-port=$((first + 5))
    --dashboard-agent-listen-port=$((first + 6)) --min-worker-port=$((first + 10)) --max-worker-port=$((first + 99))
)
search=
srun --overlap --nodes=1 --ntasks=1 --nodelist="$head" \\
    "${{start[@]}}" --head --port="$first" --ray-client-server-port=$((first + 7)) --include-dashboard=false \\
    --temp-dir="$folder" --node-ip-address="$address" &
nodes=$!
for _ in $(seq 60); do
    {ray} health-check --address "$address:$first" >/dev/null 2>&1 && break
    sleep 1
done
if [ "$SLURM_NNODES" -gt 1 ]; then
    srun --overlap --nodes=$((SLURM_NNODES - 1)) --ntasks-per-node=1 --exclude="$head" \\
        "${{start[@]}}" --address="$address:$first" &
    nodes="$nodes $!"
fi
srun --job-name=search --overlap --nodes=1 --ntasks=1 --nodelist="$head" {command} --ray-address "$address:$first" &
search=$!
"""
_TAIL = """
# twice where the first was cut short by the signal
wait "$search"
code=$?
if [ -n "$ending" ]; then
    wait "$search"
    code=$?
    scontrol requeue "$SLURM_JOB_ID"
fi
{end}exit "$code"
"""
_END = """\
kill $nodes 2>/dev/null
wait $nodes 2>/dev/null
srun --overlap --ntasks-per-node=1 rm -rf "$folder"
"""


def slurm_script(options: SlurmScriptOptions, run: RunOptions, program: Sequence[str]) -> str:
    """Return the script.

    Args:
        options: of the job.
        run: what its arguments say, checked.
        program: how `hpo`, `ray` and Python are started on the nodes.

    Raises:
        SpaceError: the search cannot be run so.
    """
    _check(options, run)
    hpo, ray, python = map(shlex.quote, program)
    words = shlex.join(options.arguments)
    command = f"{hpo} run {words}" + (f" --executor {RAY}" if options.ray and run.executor != RAY else "")
    hours, minutes = divmod(options.minutes, 60)
    asked = {
        "cpus-per-task": options.cpus,
        "gpus-per-node": options.gpus or None,
        "partition": options.partition,
        "account": options.account,
    }
    given = {
        "name": shlex.quote(f"hpo-{run.study or run.space}".replace("/", "-")),
        "nodes": options.nodes,
        "time": f"{hours}:{minutes:02}:00",
        "warning": WARNING_S,
        "asked": "".join(f"#SBATCH --{name}={value}\n" for name, value in asked.items() if value is not None),
    }
    cpus = f" --num-cpus={options.cpus}" if options.cpus else ""
    resources = f"{cpus} --num-gpus={options.gpus}" if options.gpus else cpus
    body = _CLUSTER.format(python=python, ray=ray, resources=resources, command=command)
    middle = body if options.ray else _COORDINATORS.format(command=command)
    return _HEAD.format(**given) + middle + _TAIL.format(end=_END if options.ray else "")


def _check(options: SlurmScriptOptions, run: RunOptions) -> None:
    storage = run.storage or os.environ.get("HPO_STORAGE") or ""
    if _has_password(run.storage):
        raise SpaceError("--storage: others may read a job's script; give the URL in HPO_STORAGE, or a file: @FILE")
    if run.executor == RAY and not options.ray:
        raise SpaceError("--executor ray: on the job's own nodes it needs --ray before the `--`")
    if options.nodes > 1 and not options.ray and (not storage or storage.startswith("sqlite")):
        raise SpaceError(
            f"--nodes {options.nodes}: the coordinators of several nodes meet in a database on a server\n"
            "  give --storage postgresql://.. after `--` or HPO_STORAGE, or --ray for one coordinator"
        )


def _has_password(storage: str | None) -> bool:
    if storage is None or storage.startswith("@"):
        return False
    try:
        return make_url(storage).password is not None
    except ArgumentError:
        return False
