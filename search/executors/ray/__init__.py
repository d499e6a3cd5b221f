"""Trials on the nodes of a Ray cluster.

The coordinator (executor.py) talks to a child of its own (driver.py), the only process that knows Ray, which may be
ended at any time; that one talks to an actor in each place of the cluster (actor.py), whose node_worker.py has a worker
process as there is on one machine, and shares the checkpoints of its trial.
"""
