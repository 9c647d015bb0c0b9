"""`xlkit app`, up to the process that it starts; tests/browser/test_app.py opens the page."""

import json
from pathlib import Path

import pytest

from xlkit.cli import serving as module


@pytest.fixture
def served(monkeypatch):
    """Catch what would be started, and read the configuration that it would find."""
    caught = []

    def serve(words, environment):
        config = Path(environment["JUPYTER_CONFIG_PATH"].split(":")[0]) / "voila.json"
        caught.append((words, environment, json.loads(config.read_text(encoding="utf-8")), config))
        return 0

    monkeypatch.setattr(module, "_serve", serve)
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda name: name)
    return caught


def test_without_voila_it_says_what_to_install(xlkit, monkeypatch):
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda _: None)
    said = xlkit("app")
    assert said.code == 4
    assert "xlkit[app]" in said.err


def test_the_address_is_on_loopback_and_carries_the_token(xlkit, served):
    said = xlkit("app", "--port", 8123, "--no-browser")
    (words, _, config, _), address = served[0], said.out.strip()
    assert address == f"http://127.0.0.1:8123/?token={config['Voila']['token']}"
    assert "--Voila.ip=127.0.0.1" in words
    assert "--Voila.open_browser=False" in words


def test_the_token_is_in_no_command_line_and_new_each_time(xlkit, served):
    xlkit("app")
    xlkit("app")
    tokens = [config["Voila"]["token"] for _, _, config, _ in served]
    assert len(set(tokens)) == 2
    assert not any(token in word for token, (words, *_) in zip(tokens, served, strict=True) for word in words)


def test_the_file_with_the_token_is_readable_by_its_owner_alone_and_gone_afterwards(xlkit, served, monkeypatch):
    modes = []
    inner = module._serve

    def serve(words, environment):
        modes.append(Path(environment["JUPYTER_CONFIG_PATH"].split(":")[0]).stat().st_mode & 0o077)
        return inner(words, environment)

    monkeypatch.setattr(module, "_serve", serve)
    xlkit("app")
    assert modes == [0]
    assert not served[0][3].exists()


def test_the_store_is_handed_on(xlkit, served, tmp_path):
    xlkit("app", "--store", tmp_path / "mine")
    assert served[0][1]["XLKIT_STORE"] == str(tmp_path / "mine")


def test_the_page_and_its_template_are_shipped():
    folder = Path(module.__file__).parents[1] / "panels" / "app"
    assert (folder / "app.ipynb").exists()
    assert (folder / "voila" / "templates" / "xlkit" / "index.html.j2").exists()
