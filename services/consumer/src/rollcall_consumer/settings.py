"""What the consumer reads from its environment."""

from typing import Annotated, Any

from msgspec import Meta

from rollcall_domain.control import FIRST
from rollcall_domain.generation import GROUP, Generation
from rollcall_domain.place import Edge
from rollcall_domain.service.secret import Secret
from rollcall_domain.service.settings import ServiceSettings, Text, Url
from rollcall_domain.topics import Topic


class ConsumerSettings(ServiceSettings, frozen=True, kw_only=True):
    """The consumer's settings."""

    port: Annotated[
        int, Meta(ge=0, le=65_535, description="port to serve health and metrics on; 0 takes any that is free")
    ] = 8001
    group: Annotated[
        str,
        Meta(
            pattern=r"^[A-Za-z0-9._-]{1,100}\Z",
            description="consumer group: replicas of one share the work, each group sees all",
        ),
    ] = GROUP
    log_records: Annotated[bool, Meta(description="whether every record is logged; off is faster")] = True
    rate: Annotated[
        float,
        Meta(ge=0, le=1e9, description="records a second that the group handles, all replicas together; 0 for any"),
    ] = 0

    catch_up_seconds: Annotated[
        float, Meta(gt=0, description="seconds within which as many replicas as are wanted would work off what waits")
    ] = 60

    repeat_window: Annotated[
        int,
        Meta(ge=1, le=10_000_000, description="records of a partition among which an id has no effect twice"),
    ] = 100_000
    dead_letter_share: Annotated[
        float, Meta(gt=0, le=1, description="share of a partition's last 1,000 records that may be dead letters")
    ] = 0.1
    dead_letter_run: Annotated[
        int, Meta(ge=1, description="records of a partition, one after the other, that may be dead letters")
    ] = 100
    begin: Annotated[
        str,
        Meta(description="where an effect begins for the first time: beginning, latest, a span such as -2h, or a time"),
    ] = Edge.BEGINNING.value
    lanes: Annotated[
        Annotated[int, Meta(ge=1, le=10_000)] | None,
        Meta(description="keys at work at a time in a replica of an effect; else the effect's own number"),
    ] = None
    tries: Annotated[
        Annotated[int, Meta(ge=1, le=1_000_000)] | None,
        Meta(description="tries that a record gets of an effect; else the effect's own number"),
    ] = None
    try_seconds: Annotated[
        Annotated[float, Meta(gt=0, le=86_400)] | None,
        Meta(description="seconds that a try of an effect may take; else the effect's own number"),
    ] = None
    many_logins: Annotated[int, Meta(ge=2, le=1000, description="logins of a student that are too many")] = 5
    many_logins_minutes: Annotated[float, Meta(gt=0, le=1440, description="minutes within which they are")] = 10
    too_long_hours: Annotated[float, Meta(gt=0, description="hours for which a student may stay logged in")] = 12

    webhook_url: Annotated[Url | None, Meta(description="where notify sends alerts")] = None
    webhook_routes: Annotated[
        str,
        Meta(
            pattern=r"^\s*([a-z-]+=https?://[^\s@]+(\s+|\Z))*\Z",
            description="where it sends alerts of some rules instead: RULE=URL, separated by spaces",
        ),
    ] = ""
    webhook_secret: Annotated[
        Secret | None, Meta(description="what it signs them with: whsec_ and Base64; two of them while one is changed")
    ] = None
    webhook_secret_file: Annotated[Text | None, Meta(description="the file that holds the secret instead")] = None
    webhook_ca_file: Annotated[
        Text | None, Meta(description="PEM, who signs the receivers' certificates; else whom certifi trusts")
    ] = None
    admin_token: Annotated[
        Secret | None, Meta(description="who sends it may see and act on what an effect has parked, at /parked")
    ] = None
    admin_token_file: Annotated[Text | None, Meta(description="the file that holds the token instead")] = None
    narrations: Annotated[Text | None, Meta(description="the directory where narrate puts sound files")] = None

    @property
    def names(self) -> Generation:
        """What the group and its topics are called."""
        return Generation(self.topic_prefix, self.group)

    @property
    def owner(self) -> str:
        """The group by its full name, whatever generation it works on."""
        return self.names.owner

    @property
    def group_id(self) -> str:
        """The group as Kafka knows it."""
        return self.names.group_id

    def topic_name(self, topic: Topic) -> str:
        """Name a topic in full."""
        return self.names.topic_name(topic)


class PipelineSettings(ConsumerSettings, frozen=True, kw_only=True):
    """The same settings, for a pipeline that reacts to what the group derives, and is a group of its own.

    Attributes:
        pipeline: Its name; empty for the one that derives it.
    """

    pipeline: str = ""

    @property
    def names(self) -> Generation:
        """What the pipeline's group and its topics are called."""
        return Generation(self.topic_prefix, self.group, pipeline=self.pipeline)


class GenerationSettings(PipelineSettings, frozen=True, kw_only=True):
    """The same settings, for a generation of what the group derives.

    Attributes:
        generation: Its number.
        building: Whether it is only being built: then its topics that go on in all generations are its own as well.
    """

    generation: int = FIRST
    building: bool = False

    @property
    def names(self) -> Generation:
        """What the group and its topics are called."""
        return Generation(self.topic_prefix, self.group, self.generation, self.building, self.pipeline)


def of_pipeline(settings: ConsumerSettings, pipeline: str) -> PipelineSettings:
    """Give the settings for a pipeline that is a group of its own.

    Args:
        settings: The service's settings.
        pipeline: Its name.
    """
    return PipelineSettings(**_given(settings), pipeline=pipeline)


def of_generation(settings: ConsumerSettings, generation: int, *, building: bool = False) -> GenerationSettings:
    """Give the settings for a generation.

    Args:
        settings: The service's settings.
        generation: Its number.
        building: Whether it is only being built, beside another one; the first one never is.
    """
    assert generation != FIRST or not building, "what is its own would be what serves"  # noqa: S101 - before it is deleted
    pipeline = settings.names.pipeline
    return GenerationSettings(**_given(settings), pipeline=pipeline, generation=generation, building=building)


def _given(settings: ConsumerSettings) -> dict[str, Any]:
    return {name: getattr(settings, name) for name in ConsumerSettings.__struct_fields__}
