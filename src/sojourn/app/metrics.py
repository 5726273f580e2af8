"""`/metrics` for Prometheus: counters of the gateway and the pipeline, lag of each reader."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response

from sojourn.app.disk import ALERTS

if TYPE_CHECKING:
    from sojourn.app.platform import Platform
    from sojourn.pipeline.delivery_stats import DeliveryStats


Measured = dict[str, dict[tuple[str, ...], float]]


def metrics_endpoint(platform: Platform) -> Callable[[Request], Awaitable[Response]]:
    """The handler of `/metrics`."""

    async def metrics(_: Request) -> Response:
        registry = CollectorRegistry(auto_describe=False)
        registry.register(_Snapshot(await measure(platform)))
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return metrics


async def measure(platform: Platform) -> Measured:
    """Every figure: metric name → label values → value."""
    await platform.deliveries.status()  # looks at the lag
    lags = await platform.lags()
    processor, loader = platform.processor.counts, platform.loader.counts
    measured: Measured = {
        "sojourn_processed_total": {
            (outcome,): count for outcome, count in asdict(processor).items()
        },
        "sojourn_loaded_total": {(): loader.events},
        "sojourn_lag_entries": {(name,): lag.entries for name, lag in lags.items()},
        "sojourn_lag_seconds": {(name,): lag.seconds for name, lag in lags.items()},
    }
    disk = await platform.disk.look()
    measured["sojourn_disk_free_bytes"] = {(): disk.free_bytes}
    measured["sojourn_data_folder_bytes"] = {(): disk.folder_bytes}
    measured["sojourn_log_budget_bytes"] = {(): disk.budget_bytes}
    if disk.log_bytes is not None:
        measured["sojourn_log_bytes"] = {(): disk.log_bytes}
    measured["sojourn_alert"] = dict.fromkeys(((name,) for name in ALERTS), 0.0)
    measured["sojourn_alert"] |= {(alert.name,): 1.0 for alert in platform.disk.alerts}
    for name, stats in platform.deliveries.measured():
        _add_delivery(measured, name, stats)
    if platform.gateway is not None:
        gateway = platform.gateway.stats
        measured["sojourn_requests_total"] = {(): gateway.requests}
        measured["sojourn_events_total"] = {(): gateway.events}
        measured["sojourn_refused_total"] = {(why,): n for why, n in gateway.refused.items()}
    return measured


def _add_delivery(measured: Measured, name: str, stats: DeliveryStats) -> None:
    rows: Measured = {
        "sojourn_deliveries_total": {
            (name, "delivered"): stats.delivered,
            (name, "retried"): stats.retried,
        },
        "sojourn_rejected_total": {(name, why): n for why, n in stats.rejected.items()},
        "sojourn_filtered_total": {(name, by): n for by, n in stats.filtered.items()},
        "sojourn_delivery_seconds_total": {(name,): stats.latency_sum},
        "sojourn_destination_down": {(name,): stats.down},
        "sojourn_lag_entries": {(f"destination:{name}",): stats.lag_events},
        "sojourn_lag_seconds": {(f"destination:{name}",): stats.lag_seconds},
    }
    for metric, values in rows.items():
        measured.setdefault(metric, {}).update(values)


class _Snapshot(Collector):
    """Metrics that are read when they are asked for: nothing is counted twice."""

    def __init__(self, measured: Mapping[str, Mapping[tuple[str, ...], float]]) -> None:
        self._measured = measured

    def collect(self) -> Iterator[Metric]:
        """One family a name; a name that ends in `_total` is a counter."""
        for name, values in self._measured.items():
            labels = LABELS.get(name, ())
            family = CounterMetricFamily if name.endswith("_total") else GaugeMetricFamily
            metric = family(name, HELP[name], labels=labels)
            for label_values, value in values.items():
                metric.add_metric(label_values, value)
            yield metric


HELP = {
    "sojourn_requests_total": "Requests that the gateway accepted.",
    "sojourn_events_total": "Events in requests that the gateway accepted.",
    "sojourn_refused_total": "Requests that the gateway refused, by reason.",
    "sojourn_processed_total": "Events that the processor dealt with, by what became of them.",
    "sojourn_loaded_total": "Events that went into the warehouse.",
    "sojourn_lag_entries": "Log entries that a reader has yet to deal with.",
    "sojourn_lag_seconds": "Age of the oldest entry that a reader has yet to deal with.",
    "sojourn_deliveries_total": "Events by destination and what became of them.",
    "sojourn_rejected_total": "Events that a destination refused for good, by reason.",
    "sojourn_filtered_total": "Events that a destination's filters left out, by filter.",
    "sojourn_delivery_seconds_total": "Seconds from receipt to delivery, over delivered events.",
    "sojourn_disk_free_bytes": "What is left on the disk of the data folder.",
    "sojourn_data_folder_bytes": "What the data folder takes.",
    "sojourn_log_bytes": "What the entries of the log take.",
    "sojourn_log_budget_bytes": "What they may take (disk_budget); 0: no limit.",
    "sojourn_alert": "1 while there is an alert: disk_budget, disk_low.",
    "sojourn_destination_down": "1 while a destination's circuit breaker is open.",
}
LABELS: dict[str, tuple[str, ...]] = {
    "sojourn_alert": ("alert",),
    "sojourn_refused_total": ("reason",),
    "sojourn_processed_total": ("outcome",),
    "sojourn_lag_entries": ("reader",),
    "sojourn_lag_seconds": ("reader",),
    "sojourn_deliveries_total": ("destination", "outcome"),
    "sojourn_rejected_total": ("destination", "reason"),
    "sojourn_filtered_total": ("destination", "filter"),
    "sojourn_delivery_seconds_total": ("destination",),
    "sojourn_destination_down": ("destination",),
}
