"""What the producer reads from its environment."""

from typing import Annotated

from msgspec import Meta

from rollcall_domain.control import FIRST
from rollcall_domain.generation import GROUP, Generation
from rollcall_domain.service.settings import ServiceSettings
from rollcall_domain.topics import Topic


class ProducerSettings(ServiceSettings, frozen=True, kw_only=True):
    """The producer's settings."""

    port: Annotated[int, Meta(ge=0, le=65_535, description="port to serve HTTP on; 0 takes any that is free")] = 8000
    workers: Annotated[int, Meta(ge=1, le=256, description="processes that serve; see README, Workers")] = 1
    deadline_seconds: Annotated[
        float, Meta(ge=0.1, le=300, description="the longest that a request waits for Kafka before it is answered 503")
    ] = 5.0
    shutdown_delay_seconds: Annotated[
        float,
        Meta(
            ge=0,
            le=300,
            description="after SIGTERM, how long to serve on while /readyz already says no, for load balancers",
        ),
    ] = 0.0
    in_flight_bytes: Annotated[
        int,
        Meta(
            ge=1024 * 1024,
            le=16 * 1024**3,
            description="bytes of records that may wait for Kafka, over which requests are answered 429",
        ),
    ] = 48 * 1024 * 1024
    tokens_file: Annotated[
        str, Meta(description="file of the tokens that let callers in; read again on SIGHUP, see README, Access")
    ] = ""
    allow_anonymous: Annotated[
        bool, Meta(description="whether everybody may come in without a token, also from other machines")
    ] = False
    tls_certificate_file: Annotated[
        str, Meta(description="PEM file of the certificate and those that it rests on; turns HTTPS on")
    ] = ""
    tls_key_file: Annotated[str, Meta(description="PEM file of the certificate's private key")] = ""
    tls_key_password_file: Annotated[str, Meta(description="file of the private key's password, if it has one")] = ""
    cors_origins: Annotated[
        str,
        Meta(description="origins whose pages may call from a browser, separated by commas, or *"),
    ] = ""
    connections: Annotated[
        int,
        Meta(
            ge=1, le=1_000_000, description="how many connections are served; a request over one more is answered 503"
        ),
    ] = 4096
    trusted_proxies: Annotated[
        str,
        Meta(
            description="addresses or networks, separated by commas, of proxies whose X-Forwarded-For and "
            "X-Forwarded-Proto are believed"
        ),
    ] = ""
    access_log_rate: Annotated[
        float,
        Meta(ge=0, le=100_000, description="lines a second, at the most, that requests get in the log; 0 for none"),
    ] = 10.0
    rate_per_client: Annotated[
        float,
        Meta(
            ge=0,
            le=10_000_000,
            description="updates a second that a client may send, who is a token's name or else an address; 0 for any",
        ),
    ] = 0.0
    views: Annotated[bool, Meta(description="whether reads, the stream and the page are served")] = True
    views_file: Annotated[
        str,
        Meta(description="SQLite file that keeps the view over a restart; without, it is built anew at each start"),
    ] = ""
    group: Annotated[
        str,
        Meta(pattern=r"^[A-Za-z0-9._-]{1,100}\Z", description="consumer group whose work is shown by reads"),
    ] = GROUP
    otel: Annotated[
        bool, Meta(description="whether requests that write make spans of OpenTelemetry, see README, Tracing")
    ] = False

    def names(self, generation: int = FIRST) -> Generation:
        """Give what the group that is shown calls itself and its topics, in one of its generations."""
        return Generation(self.topic_prefix, self.group, generation)

    def topic_name(self, topic: Topic) -> str:
        """Name a topic in full, as it was called in the first generation."""
        return self.names().topic_name(topic)
