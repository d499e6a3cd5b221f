"""Prometheus metrics at /metrics.

With several worker processes they are their sums.
"""

import os
from functools import cache

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from .prediction import LogState

MANY = "PROMETHEUS_MULTIPROC_DIR"  # set by the supervisor of several workers, before this module is imported

# 1 ms to --timeout's default, in steps of about two
_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)
# finer near 1, where the confidence of a trained model mostly lies
_SHARES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0)
# images of one request, of which bodies.py reads 64
_COUNTS = (1, 2, 4, 8, 16, 32, 64, 128)


class Metrics:
    """The metrics of a server, in a registry of their own.

    Those of every request are kept as the function that gives the part under given labels, which are looked up once.
    """

    def __init__(self) -> None:
        registry = CollectorRegistry()
        self._registry = registry
        self.requests = cache(
            Counter("hpo_requests", "Requests by route and status.", ["route", "status"], registry=registry).labels
        )
        self.request_seconds = cache(
            Histogram(
                "hpo_request_seconds", "From headers to answer.", ["route"], buckets=_SECONDS, registry=registry
            ).labels
        )
        self.predictions = cache(
            Counter("hpo_predictions", "Images answered.", ["arm", "label"], registry=registry).labels
        )
        self.confidence = cache(
            Histogram(
                "hpo_prediction_confidence", "Of the class answered.", ["arm"], buckets=_SHARES, registry=registry
            ).labels
        )
        self.prediction_seconds = cache(
            Histogram(
                "hpo_prediction_seconds", "From body to answer, by arm.", ["arm"], buckets=_SECONDS, registry=registry
            ).labels
        )
        self.request_images = Histogram("hpo_request_images", "Per request.", buckets=_COUNTS, registry=registry)
        self.swaps = Counter(
            "hpo_swaps", "New versions put in service or refused.", ["arm", "outcome"], registry=registry
        )
        self.shadow_dropped = Counter("hpo_shadow_dropped", "Images that no shadow saw.", registry=registry)
        self.queue = Gauge("hpo_queue_images", "Waiting or computed.", registry=registry, multiprocess_mode="livesum")
        self.model = Gauge(
            "hpo_model_info",
            "1 for the version in service.",
            ["arm", "version"],
            registry=registry,
            multiprocess_mode="livemax",
        )
        self.difference = Gauge(
            "hpo_arms_confidence_difference",
            "Mean confidence, challenger less champion.",
            registry=registry,
            multiprocess_mode="livemostrecent",
        )
        self.p_value = Gauge(
            "hpo_arms_p_value",
            "Of equal confidence; valid whenever read.",
            registry=registry,
            multiprocess_mode="livemin",
        )
        self.p_value.set(1)  # a worker that has compared nothing must not be the smallest

        self.log = Gauge(
            "hpo_log_predictions",
            "Of the prediction log: written, dropped, waiting.",
            ["state"],
            registry=registry,
            multiprocess_mode="livesum",
        )
        self.log_failing = Gauge(
            "hpo_log_failing", "1 while it cannot be written.", registry=registry, multiprocess_mode="livemax"
        )
        self.drift_evidence = Gauge(
            "hpo_drift_evidence",
            "How near the next drift alarm is, 0 to 1.",
            ["version"],
            registry=registry,
            multiprocess_mode="livemax",
        )
        self.drift_alarms = Gauge(
            "hpo_drift_alarms",
            "Drift alarms raised, by what changed.",
            ["version", "changed"],
            registry=registry,
            multiprocess_mode="livesum",
        )

    def tell_log(self, state: LogState) -> None:
        """Show the state of the prediction log."""
        for name, count in (("written", state.written), ("dropped", state.dropped), ("waiting", state.waiting)):
            self.log.labels(name).set(count)
        self.log_failing.set(bool(state.failure))
        for version, evidence in state.evidence.items():
            self.drift_evidence.labels(version).set(evidence)
        for (version, changed), count in state.alarms.items():
            self.drift_alarms.labels(version, changed).set(count)

    def text(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        if MANY in os.environ:
            registry = CollectorRegistry()
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
            return generate_latest(registry)
        return generate_latest(self._registry)
