"""The API and the topics as documents, written from the code that serves them."""

import argparse
import json
import shutil
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rollcall_dev import asyncapi
from rollcall_dev.environment import ROOT
from rollcall_producer.description import openapi

FOLDER = ROOT / "docs"
RELEASED = FOLDER / "released"
"""A folder for each version that was released, with the documents as they were then."""

DOCUMENTS: dict[str, Callable[[], dict[str, Any]]] = {
    "openapi.json": lambda: openapi.document(guarded=True),
    "asyncapi.json": asyncapi.document,
}
"""Each document, and what makes it."""


def main() -> int:
    """Write the documents, and with `--release` keep them as those of this version.

    Returns:
        0.
    """
    parser = argparse.ArgumentParser(prog="scripts/describe", description="Write docs/openapi.json and asyncapi.json.")
    parser.add_argument("--release", action="store_true", help="keep them under docs/released as those of this version")
    for name in DOCUMENTS:
        (FOLDER / name).write_text(text(name), "utf-8")
        print(f"wrote {(FOLDER / name).relative_to(ROOT)}")
    if parser.parse_args().release:
        kept = RELEASED / version("rollcall-producer")
        _keep(kept)
        print(f"kept them in {kept.relative_to(ROOT)}")
    return 0


def text(name: str) -> str:
    """Give a document as its file has it."""
    return json.dumps(DOCUMENTS[name](), indent=2, ensure_ascii=False) + "\n"


def _keep(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in DOCUMENTS:
        shutil.copy(FOLDER / name, folder / name)


if __name__ == "__main__":
    sys.exit(main())
