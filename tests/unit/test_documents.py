import re
from pathlib import Path

import jsonschema_rs
import pytest

from rollcall_consumer.settings import ConsumerSettings
from rollcall_dev import asyncapi, describe
from rollcall_domain.headers import ID, TRACEPARENT
from rollcall_domain.service.settings import known_names
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
            for part in ("headers", "payload"):
                schema = {**message[part], "components": document["components"]}
                jsonschema_rs.Draft202012Validator(schema).validate(example[part])


def test_the_headers_of_a_record_are_those_that_are_described() -> None:
    assert set(asyncapi.document()["components"]["schemas"]["RecordHeaders"]["properties"]) == {ID, TRACEPARENT}
