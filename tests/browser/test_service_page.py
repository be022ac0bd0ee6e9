"""The page in a real browser: upload → boxes → card → correction → export; no fault of access."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from colour_service import picture

from fish_dataset.folder import read_folder
from fishdet.service.export import ExportOptions, export_feedback
from fishdet.service.feedback import FeedbackStore

SIZES = {"phone": (390, 844), "desktop": (1280, 900)}


class Visit:
    """A visitor of the page, and all that the browser complained about."""

    def __init__(self, browser: Any, address: str, **options: Any) -> None:
        self.context = browser.new_context(**{"locale": "en-GB"} | options)
        self.page = self.context.new_page()
        self.page.set_default_timeout(15_000)
        self.faults: list[str] = []
        self.hosts: set[str] = set()
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("console", lambda line: self.faults.append(line.text)
                     if line.type in ("error", "warning") else None)  # fmt: skip
        self.page.on("request", lambda asked: self.hosts.add(asked.url.split("/")[2]))
        self.page.goto(address)
        self.page.locator("#model:not(:empty)").wait_for()

    def upload(self, content: bytes, name: str = "fish.png") -> None:
        file = {"name": name, "mimeType": "image/png", "buffer": content}
        self.page.set_input_files("#choose", file)
        self.page.locator("#findings > *").first.wait_for()

    def status(self) -> str:
        return self.page.locator("#status").inner_text()


@pytest.fixture
def visit(browser: Any, address: str) -> Iterator[Any]:
    visits = []

    def start(**options: Any) -> Visit:
        visits.append(Visit(browser, address, **options))
        return visits[-1]

    yield start
    for one in visits:
        one.context.close()
        assert not one.faults, one.faults
        assert one.hosts <= {address.split("/")[2], ""}  # nothing is asked of another host


def test_from_a_photo_to_a_data_set(visit: Any, corrections: Path, tmp_path: Path) -> None:
    seen = visit()
    page = seen.page
    seen.upload(picture((5, 240, 5), (400, 300)))
    assert "probably mackerel" in seen.status()
    box = page.locator(".box")
    frame, place = page.locator(".frame").bounding_box(), box.bounding_box()
    assert abs(place["x"] - frame["x"] - frame["width"] / 4) < 2  # the fish lies over the middle
    assert abs(place["width"] - frame["width"] / 2) < 2

    page.get_by_role("button", name="About mackerel").click()
    card = page.locator("#card")
    card.locator("dl").wait_for()
    text = card.inner_text()
    assert "Scomber japonicus" in text and "고등어" in text and "Minimum size" in text
    assert "not known here" in text  # what the catalogue lacks is said to be unknown
    assert card.locator("canvas").count() == 1

    page.get_by_role("button", name="Correct").click()
    box.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowDown")
    page.locator("#species").fill("참돔")
    page.locator("[role=option]").first.wait_for()
    page.locator("#species").press("Enter")
    assert "red seabream" in seen.status()
    page.get_by_role("button", name="Add a missed fish").click()
    page.locator("#give").click()
    assert "Fish 2 has no name yet" in page.locator("#problem").inner_text()
    page.locator("#unnamed").click()
    page.locator("#give").click()
    assert "consent" in page.locator("#problem").inner_text()
    assert stored(corrections) == 0
    page.locator("#consent").check()
    page.locator("#give").click()
    page.get_by_text("Thank you.").wait_for()

    account = export_feedback(corrections, tmp_path / "out", ExportOptions())
    assert dict(account.origins) == {"renamed": 1, "added": 1}
    data = read_folder(tmp_path / "out")["train"].annotations
    assert data.bboxes.tolist() == [[104, 75, 200, 154], [150, 112.5, 100, 75]]
    assert [data.classes[label] for label in data.labels] == ["red seabream", "fish"]

    page.get_by_role("button", name="Delete the correction").click()
    page.get_by_text("The correction is deleted.").wait_for()
    assert stored(corrections) == 0


def stored(path: Path) -> int:
    store = FeedbackStore(path, create=False)
    count = len(store)
    store.close()
    return count


def test_boxes_are_dragged_and_resized(visit: Any) -> None:
    seen = visit()
    page = seen.page
    seen.upload(picture((240, 5, 5), (400, 300)))
    page.get_by_role("button", name="Correct").click()
    frame = page.locator(".frame")
    scale = frame.bounding_box()["width"] / 400
    drag(page, page.locator(".box"), (40 * scale, -20 * scale))
    assert "140, 55, 200 by 150" in seen.status()
    drag(page, page.locator(".box .corner.se"), (-50 * scale, 30 * scale))
    assert "140, 55, 150 by 180" in seen.status()
    drag(page, page.locator(".box"), (9999, 0))  # it stays inside
    assert "250, 55, 150 by 180" in seen.status()
    page.get_by_role("button", name="Not a fish").click()
    assert page.locator(".box").count() == 0


def drag(page: Any, what: Any, by: tuple[float, float]) -> None:
    place = what.bounding_box()
    x, y = place["x"] + place["width"] / 2, place["y"] + place["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + by[0] / 2, y + by[1] / 2)
    page.mouse.move(x + by[0], y + by[1])
    page.mouse.up()


def test_what_was_seen_stays_on_the_device_and_can_be_deleted(visit: Any) -> None:
    seen = visit()
    page = seen.page
    for colour in ((240, 5, 5), (5, 240, 5)):
        seen.upload(picture(colour))
        page.get_by_text("probably").first.wait_for()
    page.reload()
    page.locator("#seen .thumb").nth(1).click()
    page.get_by_text("Fish 1: probably eel").first.wait_for()
    page.get_by_role("button", name="Delete the photo").first.click()
    page.get_by_text("Deleted from this device.").wait_for()
    assert page.locator("#seen .thumb").count() == 1
    page.get_by_role("button", name="Delete all").click()
    page.get_by_text("Nothing yet.").wait_for()


def test_unsure_answers_are_said_to_be_so(visit: Any) -> None:
    seen = visit()
    page = seen.page
    seen.upload(picture((130, 120, 20)))
    assert "one of these three" in seen.status() and "probably" not in seen.status()
    assert page.locator("meter").count() == 3
    seen.upload(picture((50, 40, 20)))
    page.get_by_text("not a species that I know").first.wait_for()


def test_pasted_and_dropped_photos(visit: Any) -> None:
    seen = visit()
    give = """async ([kind, bytes]) => {
        const data = new DataTransfer();
        data.items.add(new File([new Uint8Array(bytes)], "x.png", {type: "image/png"}));
        const event = kind === "paste"
            ? new ClipboardEvent("paste", {clipboardData: data, bubbles: true})
            : new DragEvent("drop", {dataTransfer: data, bubbles: true, cancelable: true});
        document.body.dispatchEvent(event);
    }"""
    for kind, colour, name in (("paste", (240, 5, 5), "eel"), ("drop", (5, 5, 240), "salmon")):
        seen.page.evaluate(give, [kind, list(picture(colour))])
        seen.page.get_by_text(f"probably {name}").first.wait_for()


def test_the_pipeline_opens_in_a_tab_of_its_own(visit: Any) -> None:
    seen = visit(locale="ko-KR")
    seen.upload(picture((240, 5, 5), (123, 80)))
    with seen.context.expect_page() as opened:
        seen.page.locator("#trace").click()
    opened.value.get_by_text("123 px").wait_for()
    assert opened.value.locator("html").get_attribute("lang") == "ko"


def test_refusals_are_told_in_the_language(visit: Any) -> None:
    seen = visit(locale="ko-KR")
    page = seen.page
    page.set_input_files("#choose", {"name": "x.png", "mimeType": "image/png", "buffer": b"no"})
    page.get_by_text("읽을 수 있는 사진이 아닙니다").wait_for()
    assert page.locator("html").get_attribute("lang") == "ko"
    page.get_by_role("button", name="English").click()
    assert page.get_by_role("heading", name="Seen on this device").is_visible()
    page.reload()
    assert page.locator("html").get_attribute("lang") == "en"  # the choice is kept
    seen.faults = [line for line in seen.faults if "415" not in line]  # the browser's own note


def test_only_the_keyboard_on_a_phone(visit: Any) -> None:
    width, height = SIZES["phone"]
    seen = visit(viewport={"width": width, "height": height})
    page = seen.page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    seen.upload(picture((240, 5, 5)))
    page.locator("#paste").focus()
    reached = set()
    for _ in range(12):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.className.split(' ')[0] || "
                                  "document.activeElement.id"))  # fmt: skip
    assert {"box", "link", "button"} <= reached
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize(
    ("size", "scheme"),
    [
        ("phone", "dark"),
        ("desktop", "light"),
        pytest.param("phone", "light", marks=pytest.mark.slow),
        pytest.param("desktop", "dark", marks=pytest.mark.slow),
    ],
)
def test_axe_finds_no_fault(visit: Any, size: str, scheme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    width, height = SIZES[size]
    seen = visit(viewport={"width": width, "height": height}, color_scheme=scheme)
    page = seen.page
    assert faults(axe, page) == []
    seen.upload(picture((130, 120, 20), (400, 300)))
    page.get_by_role("button", name="About mackerel").click()
    page.locator("#card dl").wait_for()
    page.get_by_role("button", name="Correct").click()
    page.locator("#species").fill("mack")
    page.locator("[role=option]").first.wait_for()
    assert faults(axe, page) == []
    page.get_by_role("button", name="한국어").click()
    assert faults(axe, page) == []


def test_axe_sees_a_fault(visit: Any) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page = visit().page
    page.evaluate("document.querySelector('main').append(document.createElement('img'))")
    assert [rule for rule, _ in faults(axe, page)] == ["image-alt"]


def faults(axe: Any, page: Any) -> list[Any]:
    found = axe.run(page).response["violations"]
    return [(one["id"], [node["html"] for node in one["nodes"]]) for one in found]
