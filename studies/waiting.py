"""How long a search waits for others, unless `hpo run` says otherwise; without imports, as its help text needs it."""

GIVE_UP_S = 600.0
"""How long a store that is away is waited for (`--storage-patience`): a failover takes seconds, a restart minutes.

Trials go on meanwhile, each until its worker has no room left for reports; after that they wait, too.
"""
GRACE_S = 300.0
"""How long a trial may give no sign of life where its process cannot be looked at (`--grace`): five heartbeats missed.

A coordinator writes its own down with each heartbeat, so that all judge it by that. On SQLite these are seconds in
which we have watched, see Watch; on a server, seconds of its clock.

Shorter, and a slow disk or a suspended laptop loses its trial to another machine, where both then train it; longer, and
a trial whose machine has died waits for as long.
"""
LEAST_GRACE_S = 10.0
"""The least that `--grace` takes: a heartbeat every other second, which a busy machine and a slow wire still keep."""
