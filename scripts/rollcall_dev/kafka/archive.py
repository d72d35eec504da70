"""Java's ahead-of-time cache: a start in a third of the time."""

from pathlib import Path

from rollcall_dev.kafka import config, storage
from rollcall_dev.kafka.config import BrokerConfig
from rollcall_dev.kafka.runtime import Runtime
from rollcall_dev.kafka.server import Server

_TIMEOUT = 120


def record(runtime: Runtime, scratch: Path) -> Path:
    """Run a broker that leaves an archive of its classes when it stops.

    Returns:
        The archive; an empty file if this Java did not make one.

    Raises:
        KafkaStartError: The broker did not start.
    """
    archive = scratch / "broker.aot"
    plan = BrokerConfig()
    log_directory = scratch / "recorded"
    storage.lay_out(runtime, plan.node, log_directory)
    properties = scratch / "server.properties"
    properties.write_bytes(config.to_java(config.server_properties(plan, log_directory)))
    command = runtime.command(
        *("kafka.Kafka", str(properties)),
        options=[*plan.jvm_options, f"-XX:AOTCacheOutput={archive}"],
    )
    # Not among what is thrown away: the error of a failed start refers to it.
    log = runtime.home / "recording.log"
    server = Server(command, plan.node, log, doomed=None)
    try:
        server.wait_ready(_TIMEOUT)
    finally:
        server.stop(_TIMEOUT)
    log.unlink()
    archive.touch()
    return archive
