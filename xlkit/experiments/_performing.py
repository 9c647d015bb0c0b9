"""Runs of an experiment, one after the other in this process or simulated in several."""

import signal
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, closing, nullcontext
from multiprocessing import get_context
from typing import Any, Protocol

from xlkit.errors import InvalidValueError, PreflightError, StoreError, XlkitError
from xlkit.experiments._plan import MakeBackend, Plan, Planned
from xlkit.experiments._whereabouts import Whereabouts, outlives
from xlkit.journal import from_data, to_data
from xlkit.model import Migration, Origin, Run
from xlkit.policies import from_settings, to_settings
from xlkit.protocols import Backend
from xlkit.runner import RunHandle, start
from xlkit.store import RunStore

_CODEC = (to_settings, from_settings)
_TICK_S = 0.1


class Performer(Protocol):
    """Makes runs, in the order in which they are asked for."""

    guest_outlives: bool

    def begin(self, due: Sequence[Planned]) -> None:
        """Hear what will be asked for next."""

    def perform(self, planned: Planned, settle: Callable[[], None]) -> tuple[Run, float]:
        """Make a run, recorded, and tell how long it took [s]; `PreflightError` when nothing was started."""

    def close(self) -> None:
        """Let go of what is held."""


class Serial:
    """Makes each run when it is asked for."""

    def __init__(self, plan: Plan, backends: Mapping[str, MakeBackend], store: RunStore, where: Whereabouts) -> None:
        self._plan, self._backends, self._store, self._where = plan, backends, store, where
        self.guest_outlives = False

    def begin(self, due: Sequence[Planned]) -> None:
        pass

    def perform(self, planned: Planned, settle: Callable[[], None]) -> tuple[Run, float]:
        backend = self._backends[planned.cell.workload](seed=planned.seed)
        self.guest_outlives = outlives(backend)
        with _opened(backend):
            migration = self._where.migration_for(backend)
            settle()
            begun_s = time.monotonic()
            run = record(migration, planned, backend, self._store, labels(self._plan, planned))
            return run, time.monotonic() - begun_s

    def close(self) -> None:
        pass


class Parallel:
    """Simulates a block ahead in other processes; what is asked for is recorded here, in its order."""

    guest_outlives = False

    def __init__(self, plan: Plan, backends: Mapping[str, MakeBackend], store: RunStore, jobs: int) -> None:
        for name, make in backends.items():
            if make(seed=plan.seed).preflight(plan.migration).origin is not Origin.SIMULATED:
                raise InvalidValueError(
                    f"Only simulated runs go in several processes at once; those of the workload {name} would disturb "
                    "each other. Take jobs=1."
                )
        self._plan, self._backends, self._store = plan, backends, store
        self._futures: dict[Planned, Future[tuple[dict[str, Any], float]]] = {}
        self._pool = ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=_ignore_interrupts)

    def begin(self, due: Sequence[Planned]) -> None:
        plan, backends = self._plan, self._backends
        self._futures = {
            one: self._pool.submit(_simulate, backends[one.cell.workload], one, plan.migration, labels(plan, one))
            for one in due
        }

    def perform(self, planned: Planned, settle: Callable[[], None]) -> tuple[Run, float]:  # noqa: ARG002 - the seam's
        try:
            data, took_s = self._futures.pop(planned).result()
        except BrokenProcessPool as error:
            raise XlkitError(
                "A process that simulates ended before its time. What was recorded stays, and the same call goes on "
                "from there; a script that calls sweep needs `if __name__ == '__main__':` around it."
            ) from error
        run: Run = from_data(Run, data, _CODEC)
        self._store.add(run)
        return run, took_s

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)


def record(migration: Migration, planned: Planned, backend: Backend, store: RunStore, marks: Mapping[str, str]) -> Run:
    """Make a run; one that failed is given as it was recorded, one that is interrupted is aborted first."""
    handle = start(migration, planned.cell.policy, backend, store=store, labels=marks)
    try:
        return handle.wait()
    except KeyboardInterrupt:
        _give_up(handle)
        raise
    except (InvalidValueError, PreflightError, StoreError):
        raise
    except XlkitError:
        if handle.run_id not in store:
            raise
        return store[handle.run_id]


def labels(plan: Plan, planned: Planned) -> dict[str, str]:
    """Say on a run's record which one of an experiment it is."""
    return {
        "experiment": plan.name,
        "plan": plan.digest,
        "cell": planned.cell.name,
        "cell_digest": planned.cell.digest,
        "repetition": str(planned.repetition),
    }


def _give_up(handle: RunHandle) -> None:
    handle.abort()
    while not handle.snapshot().final:
        try:
            handle.wait_change(len(handle.iterations), _TICK_S)
        except KeyboardInterrupt:
            continue


def _opened(backend: Any) -> AbstractContextManager[Any]:
    if hasattr(backend, "__enter__"):
        return backend  # type: ignore[no-any-return]
    return closing(backend) if hasattr(backend, "close") else nullcontext()


def _simulate(
    make: MakeBackend, planned: Planned, migration: Migration, marks: Mapping[str, str]
) -> tuple[dict[str, Any], float]:
    begun_s = time.monotonic()
    backend = make(seed=planned.seed)
    with tempfile.TemporaryDirectory() as folder, _opened(backend):
        run = record(migration, planned, backend, RunStore(folder), marks)
    # A mapping that nobody can change cannot be sent to another process either.
    return to_data(run, _CODEC), time.monotonic() - begun_s


def _ignore_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
