from rollcall_consumer.runtime.tolerance import Tolerance


def test_a_run_may_be_as_long_as_it_says() -> None:
    tolerance = Tolerance(share=1, run=3)
    assert [tolerance.exceeded_by(number) for number in (5, 6, 7)] == [None] * 3
    assert tolerance.exceeded_by(8) == "more than 3 records one after the other can't be handled"
    assert [Tolerance(share=1, run=3).exceeded_by(number) for number in (1, 2, 4, 5, 7)] == [None] * 5


def test_a_share_is_that_of_the_last_thousand() -> None:
    tolerance = Tolerance(share=0.01, run=5)
    assert [tolerance.exceeded_by(number) for number in range(0, 1000, 100)] == [None] * 10
    assert tolerance.exceeded_by(1000) is None
    assert tolerance.exceeded_by(1001) == "more than 10 of 1000 records can't be handled"
