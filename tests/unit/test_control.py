"""What orders come to, one after the other."""

import pytest

from rollcall_consumer.settings import ConsumerSettings, of_generation
from rollcall_domain.control import Control, GiveUp, Order, Release, SetGeneration, SetRate, Step, decode, encode
from rollcall_domain.generation import Generation
from rollcall_domain.topics import ALERTS, CONTROL, DEAD_LETTERS, INBOX, PARKED, STATE, STUDENT


def _after(*steps: tuple[int, Step]) -> Control:
    control = Control()
    for generation, step in steps:
        control.apply(SetGeneration(generation, step))
    return control


SWITCHED = [(2, Step.BUILD), (2, Step.HOLD), (2, Step.SEAL), (2, Step.SWITCH)]


def test_a_generation_takes_over_in_one_step() -> None:
    control = Control()
    for (generation, step), serves, builds in zip(
        SWITCHED, [(True, False)] + [(False, False)] * 2 + [(False, True)], [True, True, False, False], strict=True
    ):
        control.apply(SetGeneration(generation, step))
        assert (control.serves(1), control.serves(2)) == serves
        assert control.builds(2) is builds
    assert (control.generation, control.building, control.kept) == (2, None, {1})


def test_who_gives_up_first_decides() -> None:
    control = _after(*SWITCHED[:3], (2, Step.ABANDON), (2, Step.SWITCH))
    assert (control.generation, control.serves(1), control.kept) == (1, True, {2})
    control = _after(*SWITCHED, (2, Step.ABANDON))
    assert (control.generation, control.serves(2)) == (2, True)


@pytest.mark.parametrize("left_out", [0, 1, 2])
def test_no_step_is_left_out(left_out: int) -> None:
    control = _after(*SWITCHED[:left_out], *SWITCHED[left_out + 1 :])
    assert control.generation == 1


def test_one_generation_is_built_at_a_time_and_none_twice() -> None:
    control = _after((2, Step.BUILD), (3, Step.BUILD))
    assert (control.building, control.last) == (2, 2)
    control = _after(*SWITCHED, (2, Step.BUILD), (1, Step.BUILD))
    assert control.building is None
    assert _after(*SWITCHED, (3, Step.BUILD), (1, Step.REMOVE)).kept == set()


def test_readers_learn_where_the_news_of_each_generation_begin() -> None:
    begins = {"Student.State": [7, 0]}
    control = _after(*SWITCHED[:3])
    control.apply(SetGeneration(2, Step.SWITCH, begins))
    assert control.served == {1: {}, 2: begins}
    for step in (Step.BUILD, Step.ABANDON):
        control.apply(SetGeneration(3, step))
    for step in (Step.BUILD, Step.HOLD, Step.SEAL, Step.SWITCH):  # as it was ordered before there were begins
        control.apply(SetGeneration(4, step))
    assert control.served == {1: {}, 2: begins, 4: {}}
    assert [control.following(generation) for generation in (1, 2, 3, 4)] == [2, 4, None, None]


def test_orders_are_read_as_they_were_written_and_others_passed_over() -> None:
    for order in (SetRate(2.5), SetRate(None), SetGeneration(2, Step.HOLD), SetGeneration(2, Step.SWITCH, {"A": [1]})):
        assert decode(encode(order)) == order
    assert encode(SetGeneration(2, Step.HOLD)) == b'{"Order":"set-generation","Generation":2,"Step":"hold"}'
    for other in (None, b"", b"{}", b'{"Order":"set-rate","PerSecond":-1}', b'{"Order":"of-tomorrow"}'):
        assert decode(other) is None


def test_each_generation_has_topics_of_its_own_but_for_those_that_go_on() -> None:
    plain = ConsumerSettings(topic_prefix="t.")
    first, second = of_generation(plain, 1), of_generation(plain, 2)
    for topic in (STUDENT, STATE, ALERTS, DEAD_LETTERS, CONTROL):
        assert first.topic_name(topic) == plain.topic_name(topic)
    assert (first.group_id, second.group_id, second.owner) == ("t.1", "t.1.gen2", "t.1")
    assert second.topic_name(STATE) == "t.Student.State.gen2"
    assert second.topic_name(ALERTS) == "t.Student.Alerts"
    building = of_generation(ConsumerSettings(topic_prefix="t.", group="office"), 2, building=True)
    assert building.topic_name(STUDENT) == "t.Student"
    assert building.topic_name(STATE) == "t.office.Student.State.gen2"
    assert building.topic_name(ALERTS) == "t.office.Student.Alerts.gen2"
    assert building.topic_name(DEAD_LETTERS) == "t.office.Student.DeadLetters.gen2"
    assert building.topic_name(CONTROL) == "t.office.Student.Control"


def test_a_pipeline_beside_the_first_is_a_group_of_its_own() -> None:
    notify = Generation("t.", pipeline="notify")
    assert (notify.owner, notify.group_id) == ("t.1.notify", "t.1.notify")
    assert notify.topic_name(ALERTS) == "t.Student.Alerts"
    assert notify.topic_name(DEAD_LETTERS) == "t.Student.DeadLetters"
    assert notify.topic_name(INBOX) == "t.1.notify.Student.Inbox"
    assert notify.topic_name(CONTROL) == "t.1.notify.Student.Control"
    office = Generation("t.", "office", pipeline="notify")
    assert office.topic_name(ALERTS) == "t.office.Student.Alerts"
    assert office.topic_name(PARKED) == "t.office.notify.Student.Parked"


def test_parked_records_are_released_and_given_up_by_their_places() -> None:
    control = Control()
    place = "Student.Alerts-4@17"
    orders: list[Order] = [Release(place, 3), GiveUp("Student.Alerts-1@2"), Release(place, 5)]
    for order in orders:
        control.apply(order)
        assert decode(encode(order)) == order
    assert control.released == {"Student.Alerts-4@17": 5}
    assert control.given_up == {"Student.Alerts-1@2"}
