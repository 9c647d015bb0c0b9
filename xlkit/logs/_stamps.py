"""The time stamps of ``xl -T``: local time of the host that wrote the line, to the second."""

import re
from datetime import UTC, datetime

_STAMP = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) (\S{1,10}) \[(\d{1,10})\] ")
_SENDERS = re.compile(
    r"libxl_domain_suspend:|retrieve_domain_configuration|Saving domain|starting save|suspend request"
)

CLOCK = "xl -T on the source, to 1 s"
RESOLUTION_S = 1.0


class SenderStamps:
    """Read the stamps of the sending xl alone: the receiver's are from another host's clock."""

    def __init__(self) -> None:
        self.started_at: datetime | None = None
        self.pid: str | None = None
        self._first: datetime | None = None

    def at_s(self, line: str) -> float | None:
        """Tell the time of a line since the sender's first stamp [s], None where it has none."""
        match = _STAMP.search(line)
        if match is None:
            return None
        if self.pid is None and _SENDERS.search(line, match.end()):
            self.pid = match[3]
        if match[3] != self.pid:
            return None
        try:
            at = datetime.fromisoformat(match[1]).replace(tzinfo=UTC)
        except ValueError:
            return None
        if self._first is None:
            self._first = at
            self.started_at = at if match[2] in {"UTC", "GMT"} else None
        return (at - self._first).total_seconds()
