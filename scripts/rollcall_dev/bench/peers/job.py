"""What a peer without HTTP is told."""

import msgspec


class Job(msgspec.Struct):
    """Where to write, and for how many seconds."""

    bootstrap_servers: str
    topic: str
    seconds: float
