"""``python -m tests.xenlab``: build the lab, boot it, and keep it until Ctrl-C, for work by hand."""

import argparse
import os
import signal
import sys
import time
from pathlib import Path

from tests.xenlab.hosts import Lab
from tests.xenlab.images import build

FOLDER = Path(os.environ.get("XLKIT_XENLAB", "~/.cache/xlkit/xenlab")).expanduser()


def say(text: str = "") -> None:
    """Tell whoever sits in front of it."""
    sys.stdout.write(f"{text}\n")


def main() -> None:
    """Build, boot, say how to get in, and wait."""
    parser = argparse.ArgumentParser(prog="python -m tests.xenlab", description=__doc__)
    parser.add_argument("--build", action="store_true", help="only build the images")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where the images are (default: %(default)s)")
    asked = parser.parse_args()
    begun_s = time.monotonic()
    build(asked.folder)
    say(f"images in {asked.folder} after {time.monotonic() - begun_s:.0f} s")
    if asked.build:
        return
    lab = Lab(asked.folder)
    lab.start()
    try:
        lab.create(lab.hosts[0])
        say(f"both hosts are up and guest g1 runs on host1 after {time.monotonic() - begun_s:.0f} s")
        say(f"ssh -F {asked.folder}/ssh_config host1    (or host2); Ctrl-C ends the lab")
        signal.pause()
    except KeyboardInterrupt:
        say()
    finally:
        lab.stop()


if __name__ == "__main__":
    main()
