"""Updates that people send, and ids that were made to do harm."""

import pytest
from playwright.async_api import expect

from support.school import School
from support.windows import Windows

HOSTILE = [
    "<img src=x onerror=alert(1)>",
    '"><script>alert(1)</script>',
    "</li></ol><style>*{display:none}</style>",
    "javascript:alert(1)",
    "{{constructor.constructor('alert(1)')()}}",
    "../../Record?state=LoggedOut&limit=1000",
    "\u202etfel ot thgir",
    "%00 ; DROP TABLE students --",
    "é" * 128,
    "W" * 256,
    "🧑‍🎓 学生",
]


async def test_ids_are_text_whatever_they_say(school: School, windows: Windows) -> None:
    window = await windows.open(school.api.url, 360, 740)
    dialogs: list[str] = []
    window.page.on("dialog", lambda dialog: dialogs.append(dialog.message))
    await window.has("Live")
    shapes = "document.querySelectorAll('main img, main script, main style').length"
    for student in HOSTILE:
        await window.send(student)
        await expect(window.page.locator("#update-result")).to_contain_text(f"{student} is logged in")
        await window.send(student)  # which raises an alert
    await window.has_rows("roster", sorted(HOSTILE, key=lambda student: student.encode()))
    await expect(window.page.locator("#alerts .id")).to_have_count(len(HOSTILE))
    await expect(window.page.locator("#feed .id")).to_have_count(2 * len(HOSTILE))
    for name in ("feed", "alerts"):
        assert set(await window.rows(name)) == set(HOSTILE)
    search = window.page.get_by_role("searchbox")
    await search.fill(HOSTILE[0][:5])
    await window.has_rows("roster", [HOSTILE[0]])
    assert await window.page.evaluate(shapes) == 0
    assert await window.page.evaluate("document.documentElement.scrollWidth") == 360
    assert dialogs == []


@pytest.mark.parametrize("student", ["", "é" * 200])
async def test_what_is_wrong_is_said_beside_the_field(school: School, windows: Windows, student: str) -> None:
    window = await windows.open(school.api.url)
    field = window.page.get_by_label("Student id")
    await window.send(student)
    await expect(window.page.locator("#student-fault")).to_contain_text("StudentId")
    await expect(field).to_have_attribute("aria-invalid", "true")
    await expect(field).to_be_focused()
    said = await window.page.locator("#student-fault").text_content()
    await expect(field).to_have_accessible_description(said or "")
    await window.send("s-1")
    await expect(window.page.locator("#update-result")).to_contain_text("s-1 is logged in")
    await expect(window.page.locator("#student-fault")).to_have_text("")
    await expect(field).to_have_attribute("aria-invalid", "false")


async def test_an_update_without_an_answer_is_sent_again_under_the_same_key(school: School, windows: Windows) -> None:
    window = await windows.open(school.api.url)
    await window.has("Live")
    await window.page.route("**/Record/Update", lambda route: route.abort(), times=1)
    await window.send("s-1")
    await expect(window.page.locator("#update-result")).to_have_text("The service can't be reached.")
    await window.page.get_by_role("button", name="Send").click()
    await expect(window.page.locator("#update-result")).to_contain_text("s-1 is logged in")
    await window.page.get_by_role("button", name="Send").click()
    await window.has_rows("feed", ["s-1", "s-1"])
    keys = [request.headers["idempotency-key"] for request in window.asked("/Record/Update")]
    assert keys[0] == keys[1] != keys[2]
