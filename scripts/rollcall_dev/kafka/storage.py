"""Formatted log directories, with one run of Kafka's storage tool for all."""

import base64
import shutil
import subprocess
import uuid
from pathlib import Path

from rollcall_dev.kafka import config
from rollcall_dev.kafka.config import BrokerConfig, Node
from rollcall_dev.kafka.errors import KafkaStartError
from rollcall_dev.kafka.runtime import Runtime

_CHECKPOINT = "bootstrap.checkpoint"
_META = "meta.properties"


def make_checkpoint(runtime: Runtime, scratch: Path) -> Path:
    """Have the storage tool format a directory, for its bootstrap checkpoint.

    It holds the feature levels of a new cluster and nothing about the node, so
    that it fits every node of every cluster of this version.

    Raises:
        KafkaStartError: The tool failed.
    """
    formatted = scratch / "formatted"
    properties = scratch / "format.properties"
    described = config.server_properties(BrokerConfig(), formatted)
    properties.write_bytes(config.to_java(described))
    command = runtime.command(
        *("kafka.tools.StorageTool", "format", "--cluster-id", config.CLUSTER_ID),
        *("--config", str(properties)),
        options=config.JVM_OPTIONS,
    )
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        reason = (result.stderr.strip() or result.stdout.strip()).splitlines()[-1:]
        raise KafkaStartError(f"Kafka's storage tool failed: {''.join(reason)}")
    return formatted / _CHECKPOINT


def lay_out(runtime: Runtime, node: Node, log_directory: Path) -> None:
    """Format `log_directory` for `node`, unless it is formatted already."""
    meta = log_directory / _META
    if meta.exists():
        return
    log_directory.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(runtime.checkpoint, log_directory / _CHECKPOINT)
    described = config.meta_properties(node, directory_id=_random_id())
    # Last, and at once: Kafka takes a directory with this file for formatted.
    written = meta.with_suffix(".new")
    written.write_bytes(config.to_java(described))
    written.replace(meta)


def _random_id() -> str:
    return base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
