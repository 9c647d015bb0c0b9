"""The live engine keeps what every backend keeps."""

from xlkit.backends.local import LocalBackend
from xlkit.engine.workload import Uniform
from xlkit.testing import BackendContract


class TestLocalBackend(BackendContract):
    def make_backend(self) -> LocalBackend:
        return LocalBackend(memory="16MiB", bandwidth="1Gbit/s", workload=Uniform(rate_pages_s=20_000))
