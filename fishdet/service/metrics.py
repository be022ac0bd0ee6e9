"""Numbers for Prometheus, in a registry of their own."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

METHODS = frozenset({"GET", "POST", "DELETE", "HEAD", "OPTIONS", "PUT", "PATCH"})


class Metrics:
    """Counters of one running service.

    Args:
        waiting: tells how many pictures are inside.
    """

    def __init__(self, waiting: Callable[[], int]) -> None:
        self._registry = CollectorRegistry()
        labels = ("method", "route", "status")
        self._requests = Counter(
            "fishdet_requests", "Answered requests", labels, registry=self._registry
        )
        self._seconds = Histogram(
            "fishdet_request_seconds", "From request to answer", ("route",), registry=self._registry
        )
        self._batches = Histogram(
            "fishdet_batch_images",
            "Pictures of a batch",
            registry=self._registry,
            buckets=(1, 2, 4, 8, 16, 32),
        )
        self._network = Counter("fishdet_network_seconds", "Time of the network at work",
                                registry=self._registry)  # fmt: skip
        self._fish = Counter("fishdet_fish", "Fish found, by verdict", ("verdict",),
                             registry=self._registry)  # fmt: skip
        inside = Gauge("fishdet_images_inside", "Pictures decoded or waiting",
                       registry=self._registry)  # fmt: skip
        inside.set_function(waiting)

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count an answered request."""
        known = method if method in METHODS else "other"
        self._requests.labels(known, route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def batch(self, size: int, seconds: float) -> None:
        """Count a batch of the network, and how long it took."""
        self._batches.observe(size)
        self._network.inc(seconds)

    def fish(self, verdict: str) -> None:
        """Count a fish that was answered."""
        self._fish.labels(verdict).inc()

    def text(self) -> bytes:
        """Return all in Prometheus' text format."""
        return generate_latest(self._registry)
