"""Run a broker in the foreground.

python -m rollcall_dev.kafka [--port N] [--data DIR] [--property KEY=VALUE]...
"""

import argparse
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from rollcall_dev.kafka import Broker, BrokerConfig, KafkaStartError, Node

_PORTS = range(1, 65536)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until Ctrl-C, SIGTERM, or the end of the broker."""
    # Both end the `with` below; a handler that exits does so at any point of it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    try:
        with Broker(_config(arguments)) as broker:
            print(f"bootstrap servers: {broker.bootstrap_servers}")
            print(f"log: {broker.log}", flush=True)
            status = broker.wait()
    except KafkaStartError as error:
        print(f"kafka: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0
    print(f"kafka: the broker ended by itself, status {status}", file=sys.stderr)
    return 1


def _config(arguments: Sequence[str] | None) -> BrokerConfig:
    parser = argparse.ArgumentParser(prog="python -m rollcall_dev.kafka", description="Run a Kafka broker.")
    parser.add_argument("--port", type=_port, help="for clients; default: a free one")
    parser.add_argument("--data", type=Path, help="kept; default: temporary")
    parser.add_argument(
        "--property",
        action="append",
        default=[],
        type=_property,
        metavar="KEY=VALUE",
        help="a server property; may be given again",
    )
    parsed = parser.parse_args(arguments)
    return BrokerConfig(
        node=Node.on_free_ports(port=parsed.port),
        data=parsed.data,
        properties=dict(parsed.property),
    )


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) not in _PORTS:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port")
    return int(text)


def _property(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not (key and equals):
        raise argparse.ArgumentTypeError(f"{text!r} is not KEY=VALUE")
    return key, value


if __name__ == "__main__":
    sys.exit(main())
