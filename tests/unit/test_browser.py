from pathlib import Path

import pytest

from rollcall_dev import browser, checks


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder that commands are found in, with nothing in it; and a cache with nothing in it."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(browser, "NAMES", [name for name in browser.NAMES if "/" not in name])
    return folder


def _command(path: Path, status: int) -> Path:
    path.write_text(f"#!/bin/sh\nexit {status}\n")
    path.chmod(0o755)
    return path


def test_takes_a_chromium_on_path_that_runs(path: Path) -> None:
    _command(path / "chromium-browser", 1)
    chrome = _command(path / "google-chrome", 0)
    assert browser.find() == chrome


def test_says_in_one_line_that_there_is_none(path: Path) -> None:
    _command(path / "chromium", 1)
    with pytest.raises(browser.NoBrowserError) as caught:
        browser.find()
    assert str(caught.value) == "no Chromium is on PATH, and this is no Debian that could bring one"


def test_says_in_one_line_why_a_package_can_not_be_had(path: Path) -> None:
    (path / "apt-get").write_text('#!/bin/sh\necho "N: a hint" >&2\necho "E: no such package" >&2\nexit 100\n')
    (path / "apt-get").chmod(0o755)
    _command(path / "dpkg-deb", 0)
    with pytest.raises(browser.NoBrowserError) as caught:
        browser.find()
    fault = "no Chromium is on PATH, and Debian's can't be had: apt-get failed: E: no such package"
    assert str(caught.value) == fault
    assert checks.tests_left_out(fast=False)["browser"] == f"because {fault}"
