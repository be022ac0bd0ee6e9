"""The trace page in a real browser: its sliders against mmdet's own steps, its use by keyboard."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from mmcv.ops import batched_nms
from mmdet.models.layers import multiclass_nms

from fishdet.inference.detector import Detector
from fishdet.trace import Trace, render

SET = """([id, value]) => { const one = document.getElementById(id); one.value = value;
  one.dispatchEvent(new Event("input")); return new Promise(done => requestAnimationFrame(
  () => requestAnimationFrame(() => done(Number(one.value))))); }"""
SETTINGS = [(0.05, 0.5, 100), (0.3, 0.5, 100), (0.3, 0.05, 100), (0.21, 0.97, 100), (0.05, 0.73, 7),
            (0.05, 1.0, 100), (0.05, 0.0, 100), (0.99, 0.5, 100)]  # fmt: skip


@pytest.fixture(scope="module")
def file(trace: Trace, detector: Detector, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "trace.html"
    path.write_text(render(trace, detector), encoding="utf-8")
    return path


@pytest.fixture
def page(browser: Any, file: Path) -> Iterator[Any]:
    """The page on a desktop; whatever the browser complains of is an error."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda one: complaints.append(one.url) if one.url[:4] == "http" else None)
    page.goto(file.as_uri(), timeout=120_000)
    yield page
    page.close()
    assert not complaints


def expected(trace: Trace, threshold: float, iou: float, most: int) -> list[int]:
    """Candidates that mmdet's own multiclass_nms keeps with these settings, best first."""
    regions = trace.regions
    classes = len(trace.classes)
    boxes = regions.boxes[:, 0] if regions.deltas.shape[1] == 4 else regions.boxes.flatten(1)
    rows = multiclass_nms(
        boxes, regions.scores, threshold, dict(type="nms", iou_threshold=iou), most,
        return_inds=True,
    )[2]  # fmt: skip
    pairs = regions.candidate_roi * classes + regions.candidate_label
    return torch.searchsorted(pairs, rows).tolist()


def test_sliders_repeat_the_steps_of_mmdet(page: Any, trace: Trace) -> None:
    seen = set()
    for threshold, iou, most in SETTINGS:
        for name, value in (("score", threshold), ("iou", iou), ("most", most)):
            assert page.evaluate(SET, [name, str(value)]) == value
        kept = page.evaluate("fishTrace.kept()")
        assert kept == expected(trace, threshold, iou, most)
        assert page.locator("#view rect").count() == len(kept)
        seen.add(tuple(kept))
    assert len(seen) > 5 and () in seen
    assert "No box reaches this score" in page.inner_text("#list")


@pytest.mark.parametrize("iou", [0.0, 0.35, 0.7, 0.9])
def test_the_rpns_sliders_repeat_its_steps(page: Any, trace: Trace, iou: float) -> None:
    found = trace.proposals
    rows = found.valid.nonzero()[:, 0]
    left = batched_nms(found.boxes[rows], found.scores[rows], found.level[rows],
                       dict(type="nms", iou_threshold=iou))[1]  # fmt: skip
    done = page.evaluate(f"fishTrace.propose(fishTrace.proposals, {iou}, 90)")
    assert done["nms"] == len(left) and done["kept"] == left[:90].tolist()
    page.evaluate(SET, ["rpn-iou", str(iou)])
    assert f"NMS leaves {len(left)};" in page.inner_text("#rpn-now")


def test_the_chosen_fish_is_followed_by_keyboard(page: Any, trace: Trace) -> None:
    before = page.inner_text("#way-text")
    second = page.locator("#list button").nth(1)
    second.focus()
    page.keyboard.press("Enter")
    after = page.inner_text("#way-text")
    assert before != after and second.get_attribute("aria-pressed") == "true"
    assert page.locator(".chosen[data-chosen]").first.inner_text().startswith("Chosen: ")
    page.locator("#score").focus()
    count = page.locator("#list button").count()
    page.keyboard.press("End")  # a score of 1
    page.wait_for_function("fishTrace.kept().length === 0")
    page.locator("#reset").press("Enter")
    assert page.locator("#list button").count() == count


def test_the_way_back_names_the_anchor(page: Any, trace: Trace) -> None:
    from fishdet.trace import way_back

    way = way_back(trace, 0)
    text = page.inner_text("#way-text")
    assert f"proposal {way['proposal']['number'] + 1} of {len(trace.regions.rois)}" in text
    anchor = way["anchor"]
    place = f"column {anchor['column'] + 1}, row {anchor['row'] + 1} of {anchor['level']}"
    assert f"anchor {anchor['number'] + 1} at {place}" in text


def test_two_languages(page: Any) -> None:
    assert "거슬러 온 길" not in page.inner_text("body")
    page.click("[data-lang=ko]")
    text = page.inner_text("body")
    assert "거슬러 온 길" in text and "The way back" not in text and "고른 물고기" in text
    assert page.title() == "사진 한 장이 물고기가 되기까지"
    assert page.evaluate("document.documentElement.lang") == "ko"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_it_fits_and_is_accessible(browser: Any, file: Path, width: int, scheme: str) -> None:
    page = browser.new_page(
        viewport={"width": width, "height": 800}, color_scheme=scheme, reduced_motion="reduce"
    )
    page.goto(file.as_uri(), timeout=120_000)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert paper == {"light": "rgb(246, 248, 249)", "dark": "rgb(15, 24, 29)"}[scheme]
    page.close()


def test_axe_finds_nothing(browser: Any, file: Path) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    context = browser.new_context(bypass_csp=True)  # axe itself is a foreign script
    page = context.new_page()
    page.goto(file.as_uri(), timeout=120_000)
    found = axe.Axe().run(page).response["violations"]
    context.close()
    assert not [(one["id"], one["nodes"][0]["html"]) for one in found]
