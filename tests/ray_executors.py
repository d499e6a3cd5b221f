"""Executors on a Ray cluster of the tests, without a search around them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TypeVar

import pytest
from hpo.search.executors.preflight import preflight
from hpo.search.executors.ray.cluster import Connect, Connected, Serve
from hpo.search.executors.ray.driver_process import DriverProcess
from hpo.search.executors.ray.executor import RayExecutor
from hpo.search.executors.ray.node_check import NodeReport, NodeRequest, versions
from hpo.studies.shared_files.entry import Entry
from hpo.studies.shared_files.location import open_location
from hpo.training.config import TrialConfig

from .ray_cluster import RayCluster, drivers_inside

E = TypeVar("E", bound=RayExecutor)


def request_of(folder: Path, config: TrialConfig) -> NodeRequest:
    """What the nodes are asked for, where a store and packs are in `folder`."""
    store, probe, cache = folder / "store", folder / "probe", folder / "cache"
    cache.mkdir()
    probe.write_text("here")
    entry = Entry.of("probes", probe)
    entry.put(open_location(str(store)), probe)
    ready = preflight(
        config, cache=cache, data_root=None, cards=[], threads=1, progress=lambda stage, done, total: None
    )
    return NodeRequest(versions(), config, ready.fingerprint, cache, None, False, 1, str(store), entry, {})


def connect(address: str, log: Path) -> DriverProcess:
    """Start a driver on its way to a cluster."""
    return DriverProcess(Connect(address, 1.0, 0.0, None, False), log)


@contextmanager
def executor_on(
    cluster: RayCluster, request: NodeRequest, kind: Callable[..., E], note: Callable[[str], None]
) -> Iterator[E]:
    """An executor on all of a cluster."""
    with pytest.MonkeyPatch.context() as patch:
        drivers_inside(cluster, patch)
        begin = partial(connect, cluster.address, request.cache.parent / "ray.log")
        driver = begin()
        answer = driver.control.recv()
        assert isinstance(answer, Connected), answer
        driver.send(request)
        reports: dict[str, NodeReport] = driver.control.recv()
        assert [report.problem for report in reports.values()] == [""] * len(reports)
        serve = Serve(request.location, "study-1", "/there/models")
        with kind(driver, begin, request, serve, note, 60.0) as made:
            yield made
