"""What the consumer reads from its environment."""

from typing import Annotated

from msgspec import Meta

from rollcall_domain.service.settings import ServiceSettings


class ConsumerSettings(ServiceSettings, frozen=True, kw_only=True):
    """The consumer's settings."""

    port: Annotated[
        int, Meta(ge=0, le=65_535, description="port to serve health and metrics on; 0 takes any that is free")
    ] = 8001
    group: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=249,
            description="consumer group: replicas of one share the work, each group sees all",
        ),
    ] = "1"
    log_records: Annotated[bool, Meta(description="whether every record is logged; off is faster")] = True

    @property
    def group_id(self) -> str:
        """The group as Kafka knows it: environments that share a cluster share no group."""
        return self.topic_prefix + self.group
