"""Measure the rows one after the other and print the table; the exit code tells whether one missed."""

import argparse
import importlib
import os
import pkgutil
import platform
import sys
from collections.abc import Sequence

from tests.benchmarks import rows
from tests.benchmarks.table import HEADER, Row, measured_line


def _all_rows() -> list[Row]:
    found = sorted(module.name for module in pkgutil.iter_modules(rows.__path__))
    return [row for name in found for row in importlib.import_module(f"{rows.__name__}.{name}").ROWS]


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the rows that the command line names."""
    known = _all_rows()
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="ROW", help=f"all when none: {', '.join(row.name for row in known)}"
    )
    parser.add_argument("--pairs", type=int, default=10, help="measurements of each row (default: 10)")
    asked = parser.parse_args(arguments)
    unknown = set(asked.names) - {row.name for row in known}
    if unknown:
        parser.error(f"no row {', '.join(sorted(unknown))}; there are {', '.join(row.name for row in known)}")
    chosen = [row for row in known if not asked.names or row.name in asked.names]
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    machine = f"{platform.system()} {platform.release()}, {os.cpu_count()} processors{load}"
    _say(f"{machine}, Python {platform.python_version()}")
    _say(HEADER)
    missed = False
    for row in chosen:
        line, row_missed = measured_line(row, asked.pairs)
        _say(line)
        missed = missed or row_missed
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
