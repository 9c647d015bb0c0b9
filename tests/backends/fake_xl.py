"""``xl migrate`` with scripted guests: it starts the real save helper and speaks libxl's side of its pipes.

The folder named by FAKE_XEN holds ``guests/source`` and ``guests/destination`` (a file for each guest that runs there)
and ``behaviour.json``.
"""

import json
import os
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from dom0.toolstack import SUSPEND, Save

XEN = Path(os.environ.get("FAKE_XEN", "nowhere"))


def say(*lines: str) -> None:
    os.write(2, "".join(f"{line}\n" for line in lines).encode())


def guest(name: str, side: str = "source") -> Path:
    return XEN / "guests" / side / name


def migrate(argv: list[str]) -> int:
    behaviour = json.loads((XEN / "behaviour.json").read_text())
    (XEN / "argv.json").write_text(json.dumps(argv))
    name = argv[-2]
    if "before" in behaviour:
        say(*behaviour["before"])
        return 1
    say("migration target: Ready to receive domain.", "Saving to migration stream new xl format (info 0x3/0x0/877)")
    reading, writing = os.pipe()
    threading.Thread(target=drain, args=[reading], daemon=True).start()
    helper = os.environ.get("LIBXL_SAVE_HELPER") or os.environ["XLKIT_STOCK_HELPER"]
    save = Save([helper], writing, dict(os.environ), cbflags=behaviour.get("cbflags", 136))
    status = save.run()
    say(*save.log.splitlines())
    suspended = SUSPEND in save.numbers
    if status or save.result[0]:
        return failed(suspended=suspended)
    return hand_over(name, fails=behaviour.get("handshake") == "fails")


def drain(fd: int) -> None:
    while os.read(fd, 1 << 16):
        pass


def failed(*, suspended: bool) -> int:
    code, how = (-3, "resuming at sender") if suspended else (-8, "failed to suspend at sender")
    say(f"migration sender: libxl_domain_suspend failed (rc={code})", f"Migration failed, {how}.")
    return 1


def hand_over(name: str, *, fails: bool) -> int:
    say("migration sender: Target has acknowledged transfer.", "migration sender: Giving target permission to start.")
    if fails:
        say(
            "** Migration failed during final handshake **",
            "Domain state is now undefined !",
            "Please CHECK AT BOTH ENDS",
        )
        return 1
    guest(name).rename(guest(name, "destination"))
    say("migration sender: Target reports successful startup.", "Migration successful.")
    return 0


if __name__ == "__main__":
    os._exit(migrate(sys.argv[2:]))
