"""What every test gets: a store of its own, so that none writes into the checkout."""

import pytest
from hypothesis import settings

# A deadline measures how busy the machine is, not whether a property holds.
settings.register_profile("xlkit", deadline=None)
settings.load_profile("xlkit")


@pytest.fixture(autouse=True)
def own_store(tmp_path, monkeypatch):
    folder = tmp_path / "runs"
    monkeypatch.setenv("XLKIT_STORE", str(folder))
    monkeypatch.delenv("XLKIT_TOKEN", raising=False)
    return folder
