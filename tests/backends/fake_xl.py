"""An ``xl`` with scripted guests: it starts the real save helper and speaks libxl's side of its pipes.

The folder named by FAKE_XEN holds ``guests/source`` and ``guests/destination`` (a file for each guest that runs there) and
``behaviour.json``.
"""

import json
import os
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from dom0.toolstack import SUSPEND, Save

XEN = Path(os.environ["FAKE_XEN"])
BEHAVIOUR = json.loads((XEN / "behaviour.json").read_text())
FLAGS = " --min_remaining N  stop below N\n --max_iters N  stop after N\n"


def say(*lines: str) -> None:
    for line in lines:
        print(line, file=sys.stderr, flush=True)


def guest(name: str, side: str = "source") -> Path:
    return XEN / "guests" / side / name


def domid(name: str) -> int:
    if not guest(name).exists():
        say(f"{name} is an invalid domain identifier (rc=-6)")
        return 1
    print(7)
    return 0


def listed(name: str) -> int:
    if domid(name) == 0:
        print(f"Name    ID   Mem VCPUs\tState\tTime(s)\n{name}    7    16     1     -b----       1.3")
    return 0


def info() -> int:
    version = BEHAVIOUR.get("version", "4.17")
    major, minor = version.split(".")
    print(f"xen_major : {major}\nxen_minor : {minor}\nxen_extra : .7\nxen_version : {version}.7")
    return 0


def migrate(argv: list[str]) -> int:
    (XEN / "argv.json").write_text(json.dumps(argv))
    name = argv[-2]
    if "before" in BEHAVIOUR:
        say(*BEHAVIOUR["before"])
        return 1
    say("migration target: Ready to receive domain.", "Saving to migration stream new xl format (info 0x3/0x0/877)")
    reading, writing = os.pipe()
    threading.Thread(target=drain, args=[reading], daemon=True).start()
    helper = os.environ.get("LIBXL_SAVE_HELPER") or os.environ["XLKIT_STOCK_HELPER"]
    save = Save([helper], writing, dict(os.environ), cbflags=BEHAVIOUR.get("cbflags", 136))
    status = save.run()
    suspended = SUSPEND in save.numbers
    if status or save.result[0]:
        return failed(suspended=suspended)
    return hand_over(name)


def drain(fd: int) -> None:
    while os.read(fd, 1 << 16):
        pass


def failed(*, suspended: bool) -> int:
    code, how = (-3, "resuming at sender") if suspended else (-8, "failed to suspend at sender")
    say(f"migration sender: libxl_domain_suspend failed (rc={code})", f"Migration failed, {how}.")
    return 1


def hand_over(name: str) -> int:
    say("migration sender: Target has acknowledged transfer.", "migration sender: Giving target permission to start.")
    if BEHAVIOUR.get("handshake") == "fails":
        say("** Migration failed during final handshake **", "Domain state is now undefined !", "Please CHECK AT BOTH ENDS")
        return 1
    guest(name).rename(guest(name, "destination"))
    say("migration sender: Target reports successful startup.", "Migration successful.")
    return 0


def main(argv: list[str]) -> int:
    words = [one for one in argv if one != "-vvv"]
    match words:
        case ["info"]:
            return info()
        case ["help", "migrate"]:
            print("Usage: xl [-v] migrate [options] <Domain> <host>\n" + (FLAGS if BEHAVIOUR.get("flags") else ""))
            return 0
        case ["domid", name]:
            return domid(name)
        case ["list", name]:
            return listed(name)
        case ["migrate", *rest]:
            return migrate(rest)
    return 2


if __name__ == "__main__":
    sys.stdout.flush()
    code = main(sys.argv[1:])
    sys.stdout.flush()
    os._exit(code)
