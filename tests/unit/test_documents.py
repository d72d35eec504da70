import json
import re
from importlib.metadata import version
from pathlib import Path

import jsonschema_rs
import pytest

from rollcall_consumer.settings import ConsumerSettings
from rollcall_dev import asyncapi, describe
from rollcall_dev.compatibility import asyncapi as topics
from rollcall_dev.compatibility import openapi as api
from rollcall_domain.headers import ID, LETTER, RETURNS, TRACEPARENT
from rollcall_domain.service.settings import known_names
from rollcall_producer import metrics
from rollcall_producer.settings import ProducerSettings

ROOT = Path(__file__).parents[2]


def test_the_readme_lists_every_setting_and_no_other() -> None:
    rows = re.findall(r"^\| `(ROLLCALL_\w+)` \| (\w+) \|", (ROOT / "README.md").read_text(), re.MULTILINE)
    producer, consumer = set(known_names(ProducerSettings)), set(known_names(ConsumerSettings))
    services = dict.fromkeys(producer & consumer, "both")
    services |= dict.fromkeys(producer - consumer, "producer") | dict.fromkeys(consumer - producer, "consumer")
    assert dict(rows) == services


@pytest.mark.parametrize("name", describe.DOCUMENTS)
def test_the_documents_are_what_the_code_serves(name: str) -> None:
    written = (describe.FOLDER / name).read_text("utf-8")
    assert written == describe.text(name), f"docs/{name} has drifted from the code: run scripts/describe"


def test_every_example_of_a_message_is_valid() -> None:
    document = asyncapi.document()
    for message in document["components"]["messages"].values():
        for example in message["examples"]:
            for part in {"headers", "payload"} & message.keys():
                schema = {**message[part], "components": document["components"]}
                jsonschema_rs.Draft202012Validator(schema).validate(example[part])


def test_the_headers_of_a_record_are_those_that_are_described() -> None:
    described = asyncapi.document()["components"]["schemas"]["RecordHeaders"]["properties"]
    assert set(described) == {ID, TRACEPARENT, LETTER, RETURNS}


def _released(name: str) -> list[tuple[tuple[int, ...], Path]]:
    """List a document as it was released, the latest last."""
    folders = describe.RELEASED.iterdir()
    return sorted((tuple(map(int, folder.name.split("."))), folder / name) for folder in folders)


@pytest.mark.parametrize("name", describe.DOCUMENTS)
def test_nothing_that_was_released_is_broken(name: str) -> None:
    comparison = {"openapi.json": api.breaches, "asyncapi.json": topics.breaches}[name]
    number, released = _released(name)[-1]
    assert number <= tuple(map(int, version("rollcall-producer").split(".")))
    assert comparison(json.loads(released.read_text("utf-8")), describe.DOCUMENTS[name]()) == []


def test_the_readme_lists_every_metric_of_the_producer_and_no_other() -> None:
    rows = re.findall(r"^\| (`rollcall_.+?`) \|", (ROOT / "README.md").read_text(), re.MULTILINE)
    listed = [name for row in rows for name in re.findall(r"rollcall_\w+", row)]
    families = [family for family in metrics.shown.collect() if family.name.startswith("rollcall_")]
    assert sorted(listed) == sorted(f.name + "_total" * (f.type == "counter") for f in families)
