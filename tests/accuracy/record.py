"""Run the cases on the live engine, and keep the runs in a store."""

from collections.abc import Callable, Iterable, Mapping

from tests.accuracy.cases import MEMORY, POLICIES, WORKLOADS, Case
from xlkit.backends.local import LocalBackend
from xlkit.engine.workload import Workload
from xlkit.model import Migration, Run, Status
from xlkit.runner import run
from xlkit.store import RunStore


def recorded(store: RunStore) -> dict[Case, Run]:
    """Find the runs of cases that a store holds; the latest of each counts."""
    found = {}
    for one in store:
        labels = one.start.labels
        if {"workload", "link", "policy", "round"} <= set(labels) and one.stop.status is Status.COMPLETED:
            found[Case(labels["workload"], labels["link"], int(labels["round"]))] = one
    return found


def record(
    store: RunStore,
    wanted: Iterable[Case],
    say: Callable[[str], None],
    workloads: Mapping[str, Workload] = WORKLOADS,
) -> None:
    """Run the cases that the store does not hold yet."""
    done, wanted = recorded(store), list(wanted)
    for number, case in enumerate(wanted, 1):
        if case in done:
            continue
        with LocalBackend(
            memory=MEMORY, bandwidth=case.link, workload=workloads[case.workload], verify=None, seed=number
        ) as backend:
            found = run(Migration("accuracy"), POLICIES[case.policy], backend, store=store, labels=case.labels)
        total_s, downtime_s = found.stop.ended_s or 0.0, found.stop.downtime_s or 0.0
        say(
            f"{number}/{len(wanted)} {case.workload}, {case.link}, {case.policy}: {total_s:.2f} s, "
            f"{downtime_s * 1000:.1f} ms, {len(found.iterations) - 1} live passes"
        )
