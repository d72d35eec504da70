import re
from pathlib import Path

from rollcall_consumer.settings import ConsumerSettings
from rollcall_domain.service.settings import known_names
from rollcall_producer.settings import ProducerSettings

ROOT = Path(__file__).parents[2]


def test_the_readme_lists_every_setting_and_no_other() -> None:
    rows = re.findall(r"^\| `(ROLLCALL_\w+)` \| (\w+) \|", (ROOT / "README.md").read_text(), re.MULTILINE)
    producer, consumer = set(known_names(ProducerSettings)), set(known_names(ConsumerSettings))
    services = dict.fromkeys(producer & consumer, "both")
    services |= dict.fromkeys(producer - consumer, "producer") | dict.fromkeys(consumer - producer, "consumer")
    assert dict(rows) == services
