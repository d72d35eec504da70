import pytest

from rollcall_domain.service.records import Header
from rollcall_producer.batch import Batch, Outcome
from rollcall_producer.errors import NotWrittenError, OutcomeUnknownError
from rollcall_producer.ingest import Ingest
from rollcall_producer.journal import Journal
from rollcall_producer.lane import Lane
from rollcall_producer.lanes import Lanes
from rollcall_producer.settings import ProducerSettings
from rollcall_producer.update import Line
from rollcall_producer.upload import Upload

REFUSED, LOST = NotWrittenError("refused"), OutcomeUnknownError("lost")


@pytest.mark.parametrize(
    ("outcomes", "through", "accepted", "known"),
    [
        ((None, REFUSED), 1, 1, "unknown"),
        ((REFUSED, REFUSED), 0, 0, "not-written"),
        ((REFUSED, None), 0, 0, "unknown"),
        ((REFUSED, LOST), 0, 0, "unknown"),
        ((None, LOST), 1, 1, "unknown"),
    ],
)
async def test_tells_of_the_lines_behind_the_first_that_failed_no_more_than_is_known(
    monkeypatch: pytest.MonkeyPatch, outcomes: tuple[Outcome, ...], through: int, accepted: int, known: str
) -> None:
    batches: list[Batch] = []
    add = Lane.add

    def note(lane: Lane, timestamp: int, key: bytes, value: bytes, headers: list[Header]) -> Batch:
        batches.append(add(lane, timestamp, key, value, headers))
        return batches[-1]

    monkeypatch.setattr(Lane, "add", note)
    async with Lanes(Journal(ProducerSettings()), 6, deadline=60, limit=0) as lanes:
        upload = Upload(Ingest(lanes), None, 60, verdicts=False)
        await upload.take([Line("s-1", "LoggedIn"), Line("s-2", "LoggedIn")])
        assert len(set(batches)) == 2
        for batch, outcome in zip(batches, outcomes, strict=True):
            batch.settle(outcome)
        await upload.settled(wait=True)
    assert (upload.summary.durable_through, upload.summary.accepted) == (through, accepted)
    assert upload.outcome == known
