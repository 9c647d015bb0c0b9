"""Where a guest that outlives its migrations is, and so which way it goes next."""

from dataclasses import replace

from xlkit.errors import InvalidValueError, UndefinedOutcomeError
from xlkit.model import Migration, RunStart, RunStop, Side
from xlkit.protocols import Backend
from xlkit.store import RunHead


def outlives(backend: Backend) -> bool:
    """Tell whether a backend's guest is there before a migration and after it: its migrations can be attached to."""
    return hasattr(backend, "attach")


class Whereabouts:
    """Sends the guest to and fro between the two hosts of a migration."""

    def __init__(self, migration: Migration, latest: RunHead | None, guest_at: str | None) -> None:
        hosts = (migration.source, migration.destination)
        if guest_at is not None and guest_at not in hosts:
            raise InvalidValueError(f"The guest must be at {hosts[0]} or {hosts[1]}, not at {guest_at!r}.")
        self._migration = migration
        self._latest = latest
        self._at: str | None = guest_at or migration.source
        if guest_at is None and latest is not None:
            self._at = _host(latest.start, latest.stop)

    def migration_for(self, backend: Backend) -> Migration:
        """Give the next migration; an embedded guest is fresh and always goes the same way."""
        if not outlives(backend) or self._at == self._migration.source:
            return self._migration
        if self._at is None:
            raise UndefinedOutcomeError(_lost(self._latest.run_id if self._latest else "", self._migration))
        return replace(self._migration, source=self._migration.destination, destination=self._migration.source)

    def take(self, start: RunStart, stop: RunStop) -> None:
        """Follow a run; `UndefinedOutcomeError` where nobody can tell where it left the guest."""
        self._at = _host(start, stop)
        if self._at is None:
            raise UndefinedOutcomeError(_lost(start.run_id, start.migration))


def _host(start: RunStart, stop: RunStop) -> str | None:
    places = {Side.SOURCE: start.migration.source, Side.DESTINATION: start.migration.destination}
    return places.get(stop.runs_at)


def _lost(run_id: str, migration: Migration) -> str:
    return (
        f"Run {run_id} does not tell where {migration.domain} runs, so the experiment stops. Look at both hosts, "
        f"{migration.source} and {migration.destination}: exactly one must run it. A migration that lost its watcher "
        f"is taken up by `xlkit attach {run_id}`; otherwise begin again with guest_at= (--guest-at) and its host."
    )
