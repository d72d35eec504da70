import tempfile
from pathlib import Path

import pytest

from rollcall_domain.errors import ConfigurationError
from rollcall_producer import registry


def test_counts_among_temporary_files_where_there_is_no_other_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "MEMORY", tmp_path / "missing")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with registry.make_directory() as directory:
        assert Path(directory).parent == tmp_path


def test_says_what_to_do_where_nothing_can_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "MEMORY", tmp_path / "missing")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    with pytest.raises(ConfigurationError, match=r"^ROLLCALL_WORKERS: .*mount a tmpfs on /tmp"):
        registry.make_directory()
