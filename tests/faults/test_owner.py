"""An owner that is killed leaves nothing behind, whatever was going on."""

import subprocess
import sys

import pytest

from tests.faults.scene import gone, kill

OWNER = """
import sys
from tests.faults.scene import Scene

def tell(scene):
    print(*scene.pids, flush=True)
    sys.stdin.readline()

point, suspend = sys.argv[1:]
with Scene({point: tell}, suspend=suspend) as scene:
    scene.migrate()
    tell(scene)
"""


@pytest.mark.parametrize(
    ("point", "suspend"),
    [
        pytest.param("in pass 1", "cooperative", marks=pytest.mark.slow),
        ("suspended", "hard"),
        pytest.param("retired", "cooperative", marks=pytest.mark.slow),
        pytest.param("ordered", "hard", marks=pytest.mark.slow),
        ("none: the guest has arrived", "cooperative"),
    ],
)
def test_a_killed_owner_leaves_no_process(point, suspend):
    command = [sys.executable, "-c", OWNER, point, suspend]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as owner:
        pids = {int(pid) for pid in owner.stdout.readline().split()}
        kill(owner.pid)
    assert pids
    assert gone(pids)


def test_a_stopped_guest_ends_even_if_its_migrator_is_killed_with_the_owner():
    command = [
        sys.executable,
        "-c",
        OWNER.replace("*scene.pids", "scene.migrator_pid, *scene.pids"),
        "suspended",
        "hard",
    ]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as owner:
        migrator, *pids = (int(pid) for pid in owner.stdout.readline().split())
        # Asleep, the owner cannot wake the guest when the migrator dies before it.
        owner.send_signal(19)
        kill(migrator)
        kill(owner.pid)
    assert gone(set(pids))
