"""Viewers who want the same, and what there is for them since they were written to."""

from collections.abc import Iterable
from itertools import chain

from rollcall_producer.stream.message import Message
from rollcall_producer.stream.viewer import Viewer
from rollcall_producer.stream.wanted import Wanted


class Group:
    """Viewers who want the same.

    Args:
        wanted: What they want.

    Attributes:
        size: How many they are.
        viewers: Those of them who have all that there was when groups were last emptied.
        news: What has come since.
    """

    __slots__ = ("news", "size", "viewers", "wanted")

    def __init__(self, wanted: Wanted) -> None:
        self.wanted = wanted
        self.size = 0
        self.viewers: dict[Viewer, None] = {}
        self.news: list[bytes] = []


class Groups:
    """All groups, found by the student whom a message is about: however many there are, few of them are looked at.

    Attributes:
        size: Bytes of messages since groups were last emptied, each counted once.
    """

    def __init__(self) -> None:
        self.size = 0
        self._by_student: dict[str | None, dict[Wanted, Group]] = {}
        self._with_news: list[Group] = []

    def join(self, wanted: Wanted) -> Group:
        """Give the group of a viewer who comes, for whom news are kept from now on."""
        alike = self._by_student.setdefault(wanted.student, {})
        group = alike.get(wanted)
        if group is None:
            group = alike[wanted] = Group(wanted)
        group.size += 1
        return group

    def leave(self, group: Group, viewer: Viewer) -> None:
        """Let a viewer of a group go."""
        group.viewers.pop(viewer, None)
        group.size -= 1
        if not group.size:
            alike = self._by_student[group.wanted.student]
            del alike[group.wanted]
            if not alike:
                del self._by_student[group.wanted.student]

    def tell(self, message: Message) -> None:
        """Take in a message for those who want it."""
        self.size += len(message.written)
        for group in self._find(message):
            if not group.news:
                self._with_news.append(group)
            group.news.append(message.written)

    def _find(self, message: Message) -> Iterable[Group]:
        if not message.kind:
            return chain.from_iterable(alike.values() for alike in self._by_student.values())
        kind, student, state = message.kind, message.student, message.state
        return [
            group
            for key in (None, student)
            for group in self._by_student.get(key, {}).values()
            if group.wanted.covers(kind, student, state)
        ]

    def take(self) -> list[tuple[Group, bytes, int]]:
        """Empty the groups; give those that had something, with all of it, and how many messages that is."""
        taken = [(group, b"".join(group.news), len(group.news)) for group in self._with_news]
        for group in self._with_news:
            group.news = []
        self._with_news = []
        self.size = 0
        return taken
