"""Two versions of an AsyncAPI document: what a reader or writer of the earlier one would trip over."""

from collections.abc import Iterator
from typing import Any

from rollcall_dev.compatibility.schema import Schema, read, resolve, written

Part = dict[str, Any]

_RULES = {"receive": read, "send": written}
_KEPT_FOR = ("retention.ms", "retention.bytes", "max.message.bytes")
"""Settings of topics that may grow, and not shrink."""


def breaches(old: Part, new: Part) -> list[str]:
    """List what the later document breaks."""
    return [*_channels(old, new), *_operations(old, new)]


def _channels(old: Part, new: Part) -> Iterator[str]:
    for name, was in old["channels"].items():
        now = new["channels"].get(name)
        if now is None:
            yield f"the channel {name} is gone"
        elif now["address"] != was["address"]:
            yield f"the channel {name} has moved from {was['address']} to {now['address']}"
        else:
            yield from _topic(f"the topic {was['address']}", was["bindings"]["kafka"], now["bindings"]["kafka"])


def _topic(name: str, was: Part, now: Part) -> Iterator[str]:
    if was["partitions"] != now["partitions"]:
        yield f"{name} has {now['partitions']} partitions and not {was['partitions']}, so keys move"
    before, after = was["topicConfiguration"], now["topicConfiguration"]
    for setting in sorted({*before, *after}):
        if setting in _KEPT_FOR:
            if setting in after and after[setting] < before.get(setting, float("-inf")):
                yield f"{name} has {setting} {after[setting]}, less than {before[setting]}"
        elif before.get(setting) != after.get(setting):
            yield f"{name} has {setting} {after.get(setting)} and not {before.get(setting)}"


def _operations(old: Part, new: Part) -> Iterator[str]:
    for name, was in old["operations"].items():
        now = new["operations"].get(name)
        if now is None:
            yield f"the operation {name} is gone"
        elif (now["action"], now["channel"]) != (was["action"], was["channel"]):
            yield f"the operation {name} does something else"
        else:
            yield from _messages(name, _of(was, old), _of(now, new), was["action"], (old, new))


def _of(operation: Part, root: Part) -> dict[str, Part]:
    """Give the messages of an operation, by name."""
    found = {}
    for reference in operation["messages"]:
        message = resolve(reference["$ref"], root)
        found[reference["$ref"].rpartition("/")[2]] = resolve(message["$ref"], root)
    return found


def _messages(
    name: str, was: dict[str, Part], now: dict[str, Part], action: str, roots: tuple[Part, Part]
) -> Iterator[str]:
    for message in sorted({*was, *now}):
        where = f"{name}: the message {message}"
        if message in was and message in now:
            yield from _message(where, was[message], now[message], action, roots)
        elif message in was:
            yield f"{where} is gone"
        elif action == "send":
            yield f"{where} is new to readers"


def _message(name: str, was: Part, now: Part, action: str, roots: tuple[Part, Part]) -> Iterator[str]:
    if was["contentType"] != now["contentType"]:
        yield f"{name} is {now['contentType']} and not {was['contentType']}"
    for part in ("headers", "payload"):
        before, after = Schema(was.get(part, {}), roots[0]), Schema(now.get(part, {}), roots[1])
        yield from _RULES[action](before, after, f"{name}, {part}")
    keys = (message["bindings"]["kafka"]["key"] for message in (was, now))
    before, after = (Schema(key, root) for key, root in zip(keys, roots, strict=True))
    yield from _RULES[action](before, after, f"{name}, key")
