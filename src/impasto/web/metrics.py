"""What happens in a studio, in numbers that Prometheus reads."""

from collections.abc import Mapping
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from impasto.web.models import Job

TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """The numbers of one studio."""

    def __init__(self) -> None:
        own = self._own = CollectorRegistry()
        self._requests = Counter("impasto_requests", "Requests answered.", ["method", "route", "status"], registry=own)
        self._jobs = Counter("impasto_jobs_ended", "Jobs that have come to an end.", ["state"], registry=own)
        self._painting = Counter("impasto_job_seconds", "Seconds spent on jobs.", registry=own)
        self.previews = Histogram(
            "impasto_preview_seconds", "From a preview's turn to its picture.", registry=own,
            buckets=(0.05, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5, 10),
        )  # fmt: skip
        self.waiting = Gauge("impasto_jobs_waiting", "Jobs that wait.", registry=own)
        self.listening = Gauge("impasto_pages_listening", "Pages that listen to events.", registry=own)
        self.replaced = Gauge("impasto_desk_replaced", "Times that a desk had to be replaced.", ["desk"], registry=own)
        self.held = Gauge("impasto_memory_bytes", "Resident memory.", ["process"], registry=own)

    def count_request(self, told: Mapping[str, Any]) -> None:
        """One more, as the guard tells of it."""
        self._requests.labels(told["method"], told["route"], str(told["status"])).inc()

    def count_job(self, job: Job) -> None:
        """One more that has come to an end."""
        self._jobs.labels(job.state).inc()
        self._painting.inc(job.seconds)

    def text(self) -> bytes:
        """All of them."""
        return generate_latest(self._own)
