"""The workers of a search on a Ray cluster."""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from secrets import token_hex
from types import TracebackType
from typing import Self, TypeVar

from ....common.installation import Extra, install_command
from ....errors import SpaceError, TrainingError
from ....studies.home import Home
from ....studies.shared_files.entry import Entry
from ....studies.shared_files.object_store import ObjectStore, ObjectStoreError
from ....studies.shared_files.study_files import StudyFiles
from ....training.config import TrialConfig
from ....training.models.source import source_files
from ....training.models.source_files import digest_of
from ...executors.base import Executor
from ...executors.devices import threads_on_cpu
from ...executors.preflight import Preflight
from ...executors.ray.cluster import Connect, Connected, Note, Refused, Serve
from ...executors.ray.driver_process import DriverProcess
from ...executors.ray.executor import ClusterAwayError, RayExecutor
from ...executors.ray.node_check import NodeRequest, versions
from ...executors.worker_process import Placement
from .crew import Crew
from .options import RunOptions

T = TypeVar("T")


class RayCrew(Crew):
    """Workers in the places of a cluster.

    Each trial trains on so many `devices` of its place. `store`, at `location`, is what all nodes share files in;
    `study` is the study's name, `note` takes lines for the user. No driver is started where there are no more `jobs`,
    None for no limit.
    """

    def __init__(
        self,
        options: RunOptions,
        devices: int,
        home: Home,
        study: str,
        store: ObjectStore,
        location: str,
        jobs: int | None,
        note: Callable[[str], None],
    ) -> None:
        self._options, self._devices, self._home, self._study, self._note = options, devices, home, study, note
        self._store, self._location = store, location
        self._idle = jobs is not None and jobs <= 0
        workers = options.workers if jobs is None else min(max(jobs, 1), options.workers or jobs)
        cpus, gpus = options.cpus_per_trial, options.gpus_per_trial
        self._connect = Connect(options.ray_address, cpus, gpus, workers, options.ray_unauthenticated)
        self._log = home.study(study, "workers", "ray.log")
        self._driver: DriverProcess | None = None
        self._request: NodeRequest | None = None
        self._places = 1

    def __enter__(self) -> Self:
        """Reach the cluster.

        Raises:
            SpaceError: Ray is not installed, no node has what a trial asks for, or strangers may use the cluster.
            ClusterAwayError: the cluster does not answer.
        """
        if not Extra("ray", "ray").installed:
            raise SpaceError(f"--executor ray needs Ray: {install_command('ray')}")
        if self._connect.gpus and self._devices > 1 and self._connect.gpus != self._devices:
            raise SpaceError(
                f"--gpus-per-trial must be {self._devices}, one for each device of a trial, got {self._connect.gpus:g}"
            )
        if not self._idle:
            self._driver = DriverProcess(self._connect, self._log)
            try:
                self._places = self._connected(self._driver)
            except BaseException:
                self._driver.end()
                raise
        return self

    @property
    def cards(self) -> list[int] | None:
        """No device of this machine."""
        return []

    @property
    def threads(self) -> int:
        """The threads of a worker here: on a node a trial has those of its place."""
        return threads_on_cpu(self._options.workers, self._devices)

    def check(self, ready: Preflight, config: TrialConfig, models: Mapping[str, str]) -> Preflight:
        """Check each node, for the data of `config` and users' `models`; return what holds there.

        Raises:
            ClusterAwayError: the cluster does not answer.
            TrainingError: no node can be used.
        """
        if self._driver is None:
            return ready
        self._request = self._make_request(ready, config, models)
        self._driver.send(self._request)
        reports = self._answer(self._driver, dict)
        problems = [report.problem for report in reports.values() if report.problem]
        usable = [report for report in reports.values() if not report.problem]
        if not usable:
            raise TrainingError(f"no node of the Ray cluster can be used: {problems[0]}")
        for problem in problems:
            self._note(f"node {problem}; it is not used")
        return replace(ready, numerics=usable[0].numerics) if self._connect.gpus else ready

    def placements(self, ready: Preflight) -> list[Placement]:
        """One for each place of the cluster."""
        device = "cuda" if self._connect.gpus else "cpu"
        most = self._connect.most
        return [Placement(device, max(1, int(self._connect.cpus)))] * (
            self._places if most is None else min(self._places, most)
        )

    def executor(self, placements: Sequence[Placement], files: StudyFiles | None) -> Executor:
        """Return the executor of the trials."""
        assert self._driver is not None
        assert self._request is not None
        assert files is not None  # see store_location
        serve = Serve(self._location, files.prefix, str(self._home.models(self._study)))
        restart = partial(DriverProcess, self._connect, self._log)
        patience_s = self._options.storage_patience_s
        driver, self._driver = self._driver, None  # it is the executor's to end
        return RayExecutor(driver, restart, self._request, serve, self._note, patience_s)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the driver, and with it all workers."""
        if self._driver is not None:
            self._driver.end()
        if self._request is not None:
            with suppress(ObjectStoreError):  # a probe that stays harms nobody
                self._store.remove(self._request.probe.key)

    def _connected(self, driver: DriverProcess) -> int:
        """Wait for the cluster; return how many places it has."""
        places = self._answer(driver, Connected).places
        if not places:
            cpus, gpus = self._connect.cpus, self._connect.gpus
            wanted = f"{cpus:g} CPUs" + (f" and {gpus:g} GPUs" if gpus else "")
            raise SpaceError(f"--ray-address {self._connect.address}: no node of the cluster has {wanted} for a trial")
        return places

    def _answer(self, driver: DriverProcess, kind: type[T]) -> T:
        """Wait for an answer of a kind, and tell what is said meanwhile."""
        while True:
            try:
                answer = driver.control.recv()
            except (EOFError, OSError) as error:
                words = f"--ray-address {self._connect.address}: Ray's driver has ended\n  see {self._log}"
                raise ClusterAwayError(words) from error
            if isinstance(answer, Note):
                self._note(answer.words)
                continue
            if isinstance(answer, Refused):
                raise (SpaceError if answer.final else ClusterAwayError)(answer.words)
            assert isinstance(answer, kind)
            return answer

    def _make_request(self, ready: Preflight, config: TrialConfig, models: Mapping[str, str]) -> NodeRequest:
        cores = max(1, int(self._connect.cpus))
        return NodeRequest(
            versions(),
            config,
            ready.fingerprint,
            self._home.cache,
            self._options.data_root,
            bool(self._connect.gpus),
            cores,
            self._location,
            self._put_probe(),
            {
                **_copies(self._home.models(self._study)),
                **{digest: source_files(name) for name, digest in models.items()},
            },
        )

    def _put_probe(self) -> Entry:
        """Put an object into the store that each node must be able to read, those that come later as well."""
        with tempfile.TemporaryDirectory(prefix="hpo-probe-") as folder:
            file = Path(folder) / "probe"
            file.write_text(token_hex(16))
            probe = Entry.of("probes", file)
            probe.put(self._store, file)
            return probe


def _copies(folder: Path) -> dict[str, dict[str, bytes]]:
    """The files of users' models of which a study that goes on has copies, by the SHA-256 of each."""
    copies = {}
    for path in folder.glob("*/*.py"):
        files = source_files(f"{path}:model")
        if digest_of(files) == path.parent.name:  # the model's own file, and none that it imports
            copies[path.parent.name] = files
    return copies
