import re
from pathlib import Path

from rollcall_consumer.settings import ConsumerSettings
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


def test_the_readme_lists_every_metric_of_the_producer_and_no_other() -> None:
    rows = re.findall(r"^\| (`rollcall_.+?`) \|", (ROOT / "README.md").read_text(), re.MULTILINE)
    listed = [name for row in rows for name in re.findall(r"rollcall_\w+", row)]
    families = [family for family in metrics.shown.collect() if family.name.startswith("rollcall_")]
    assert sorted(listed) == sorted(f.name + "_total" * (f.type == "counter") for f in families)
