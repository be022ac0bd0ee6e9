"""The model card: a README.md that people and model hubs read, made from the papers alone.

Fields of the front matter: https://github.com/huggingface/hub-docs/blob/main/modelcard.md and
https://huggingface.co/docs/hub/model-cards; licence identifiers:
https://huggingface.co/docs/hub/repositories-licenses. The hub lists no mean average precision
among its metrics, and detectors there give theirs as type ``precision`` with the figure's name
beside, as https://huggingface.co/keremberke/yolov8s-table-extraction does (all read 2026-11-25).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import yaml

from fish_dataset.catalogue import display_name, find

from .weaknesses import weaknesses

MARK = "<!-- fishdet model card: {name} -->"
HUB_LICENCES = (
    "apache-2.0", "mit", "bsd-2-clause", "bsd-3-clause", "bsd-3-clause-clear", "cc0-1.0",
    "cc-by-2.0", "cc-by-2.5", "cc-by-3.0", "cc-by-4.0", "cc-by-sa-3.0", "cc-by-sa-4.0",
    "cc-by-nc-2.0", "cc-by-nc-3.0", "cc-by-nc-4.0", "cc-by-nd-4.0", "cc-by-nc-nd-3.0",
    "cc-by-nc-nd-4.0", "cc-by-nc-sa-2.0", "cc-by-nc-sa-3.0", "cc-by-nc-sa-4.0",
    "cdla-sharing-1.0", "cdla-permissive-1.0", "cdla-permissive-2.0", "isc", "mpl-2.0", "epl-2.0",
    "eupl-1.1", "agpl-3.0", "gpl-2.0", "gpl-3.0", "lgpl-2.1", "lgpl-3.0", "odbl", "pddl",
    "unlicense", "wtfpl", "zlib",
)  # fmt: skip
FIGURES = {"coco/bbox_mAP": "mAP@0.5:0.95(box)", "coco/bbox_mAP_50": "mAP@0.5(box)"}
NOT_STATED = "not stated"


def model_card(
    papers: Mapping[str, Any], file: str, sha256: str, size: int, pictures: Sequence[str] = ()
) -> str:
    """Return the card in Markdown.

    Args:
        papers: what ``published.read_metadata`` returns.
        file: name of the model file.
        sha256: its sum, in hex.
        size: its bytes.
        pictures: files beside the card that show results.
    """
    sections = {
        "Use": _use(papers, file),
        "Results": _results(papers),
        "Pictures": [f"![Detections of the model]({name})" for name in pictures],
        "Known weaknesses": [f"- {line}" for line in weaknesses(papers)],
        "Data": _data(papers),
        "Training": _training(papers),
        "File": _file(papers, file, sha256, size),
        "How to cite": _citation(papers, sha256),
        "한국어": _korean(papers, file),
    }
    head = [
        "---",
        yaml.safe_dump(front_matter(papers), sort_keys=False, allow_unicode=True).strip(),
    ]
    lines = [*head, "---", MARK.format(name=papers["name"]), "", f"# {papers['name']}", ""]
    lines += [_summary(papers), ""]
    for title, body in sections.items():
        if body:
            lines += [f"## {title}", "", *body, ""]
    return "\n".join(lines)


def front_matter(papers: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that model hubs read; what is not known is left out."""
    data = papers["data"]["name"]
    fields: dict[str, Any] = {"language": ["en", "ko"], **_licence(papers.get("licence"))}
    fields |= {"library_name": "fishdet", "pipeline_tag": "object-detection"}
    fields["tags"] = ["object-detection", "fish", "mmdetection", "safetensors"]
    if data:
        fields["datasets"] = [data]
    parent = papers.get("parent")
    if parent and parent.count("/") == 1 and " " not in parent:
        fields["base_model"] = parent
    figures = _figures(papers)
    if figures:
        fields["metrics"] = ["precision"]
        dataset = {"type": data or "unknown", "name": data or "unknown", "split": "val"}
        result = {"task": {"type": "object-detection"}, "dataset": dataset, "metrics": figures}
        fields["model-index"] = [{"name": papers["name"], "results": [result]}]
    return fields


def _licence(licence: str | None) -> dict[str, str]:
    if licence is None:
        return {}
    known = licence.lower() in HUB_LICENCES
    return {"license": licence.lower()} if known else {"license": "other", "license_name": licence}


def _figures(papers: Mapping[str, Any]) -> list[dict[str, Any]]:
    totals = (papers.get("metrics") or {}).get("totals") or {}
    return [
        {"type": "precision", "value": round(totals[key], 4), "name": name}
        for key, name in FIGURES.items()
        if isinstance(totals.get(key), float)
    ]


def _summary(papers: Mapping[str, Any]) -> str:
    detector = papers["config"]["model"].get("type", "detector")
    names = ", ".join(entry["name"] for entry in papers["classes"])
    return (
        f"A {detector} that finds fish in pictures and names {len(papers['classes'])} classes: "
        f"{names}. {papers['weights']['numbers'] / 1e6:.1f} million numbers; the file carries "
        "config, classes, data digest and scores, and nothing in it is executed."
    )


def _use(papers: Mapping[str, Any], file: str) -> list[str]:
    return [
        "```python", "import fishdet", "",
        f'detector = fishdet.load_model("{file}")', 'detections = detector("reef.jpg")', "```", "",
        "```", f"python tools/predict.py {file} PICTURES --out predictions", "```", "",
        "Intended for finding and counting fish of the classes above in pictures like those of the "
        "training data. Other species are reported as the most similar class or not at all. It is "
        "not meant for deciding what may be eaten or whether a catch is legal.",
    ]  # fmt: skip


def _results(papers: Mapping[str, Any]) -> list[str]:
    metrics = papers.get("metrics")
    if not metrics:
        return ["No evaluation of this checkpoint was recorded."]
    keys = sorted(metrics["totals"], key=lambda key: ("mAP" not in key, len(key), key))
    totals = ", ".join(
        f"{key.removeprefix('coco/bbox_')} {_number(metrics['totals'][key])}"
        for key in keys
        if key.startswith("coco/")
    )
    head = (
        f"On `{papers['data']['name'] or 'unnamed data'}`, split {metrics['split']}, COCO measures"
    )
    ranges = ", ".join(
        f"{key.removeprefix('coco/').removeprefix('bbox_')} {_number(low)} to {_number(high)}"
        for key, (low, high) in (metrics.get("intervals") or {}).items()
    )
    lines = [f"{head}: {totals}.", "", *_species_table(papers, metrics)]
    lines += ["", f"95 % intervals: {ranges}."] if ranges else []
    return [*lines, *_calibration(papers.get("calibration") or {})]


def _calibration(calibration: Mapping[str, Any]) -> list[str]:
    """Say how scores were calibrated, and what errors that leaves (ECE), where that is known."""
    temperature, bias = calibration.get("temperature"), calibration.get("bias") or 0.0
    if temperature is None:
        return []
    data = calibration.get("fitted_on") or {}
    where = f", fitted on `{data['ann_file']}`" if data.get("ann_file") else ""
    errors = [calibration.get(f"ece_{when}") for when in ("before", "after")]
    gain = "; expected calibration error {:.4f}, then {:.4f}" if None not in errors else ""
    return [
        "",
        f"Calibration: temperature {temperature:.3f}, bias {bias:+.3f}{where}"
        f"{gain.format(*errors)}.",
    ]


def _species_table(papers: Mapping[str, Any], metrics: Mapping[str, Any]) -> Iterator[str]:
    rows = {row["name"]: row for row in metrics["species"]}
    thresholds = (papers.get("calibration") or {}).get("thresholds") or {}
    more = " threshold |" if thresholds else ""
    yield f"| class | 한국어 | scientific name | images | boxes | AP | AP50 | AR |{more}"
    yield "|---|---|---|--:|--:|--:|--:|--:|" + ("--:|" if thresholds else "")
    for entry in papers["classes"]:
        name, row = entry["name"], rows.get(entry["name"], {})
        cells = [name, display_name(name, "ko"), _latin(entry["species"])]
        cells += [str(row.get("images", "-")), str(row.get("boxes", "-"))]
        cells += [_number(row.get(key)) for key in ("AP", "AP50", "AR")]
        cells += [_number(thresholds.get(name))] if thresholds else []
        yield "| " + " | ".join(map(_cell, cells)) + " |"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


def _latin(species_id: str | None) -> str:
    species = find(species_id) if species_id else None
    return f"*{species.scientific_name}*" if species and species.scientific_name else ""


def _data(papers: Mapping[str, Any]) -> list[str]:
    data = papers["data"]
    lines = [f"- Data set: `{data['name'] or NOT_STATED}`"]
    lines.append(f"- SHA-256 of the training annotations: `{data['digest'] or NOT_STATED}`")
    for split, facts in data["splits"].items():
        boxes = f", {facts['boxes']} boxes" if "boxes" in facts else ""
        by_class = facts.get("boxes_by_class") or {}
        listed = ", ".join(f"{name} {count}" for name, count in by_class.items())
        lines.append(
            f"- {split}: {facts['images']} images{boxes}{f' ({listed})' if listed else ''}"
        )
    return lines


def _training(papers: Mapping[str, Any]) -> list[str]:
    versions = papers.get("versions") or {}
    listed = ", ".join(f"{name} {version}" for name, version in versions.items() if version)
    command = " ".join(papers.get("command") or []) or NOT_STATED
    return [
        f"- Command: `{command}`",
        f"- Commit: `{papers.get('commit') or NOT_STATED}`, seed {papers.get('seed')}, "
        f"precision {papers.get('precision') or NOT_STATED}",
        f"- Versions: {listed or NOT_STATED}",
        f"- Parent model: {papers.get('parent') or 'none'}",
    ]


def _file(papers: Mapping[str, Any], file: str, sha256: str, size: int) -> list[str]:
    weights, before = papers["weights"], papers["preprocessing"]
    return [
        f"- `{file}`, {size / 1e6:.1f} MB, SHA-256 `{sha256}`",
        f"- Weights: {weights['precision']}"
        + (", averaged over training (EMA)" if weights["source"] == "ema" else ""),
        f"- Pictures: {'RGB' if before['to_rgb'] else 'BGR'}, mean {before['mean']}, std "
        f"{before['std']}, scale {before['scale']}, padded to multiples of "
        f"{before['pad_size_divisor']}",
        f"- Licence: {papers.get('licence') or NOT_STATED}",
    ]


def _citation(papers: Mapping[str, Any], sha256: str) -> list[str]:
    key = papers["name"].replace(".", "_")
    return [
        "```bibtex",
        f"@misc{{{key},",
        f"  title = {{{papers['name']}: a fish detector of fishdet}},",
        f"  note = {{SHA-256 {sha256}}},",
        "}",
        "```",
        "",
        "Cite the data set as its authors ask, and MMDetection (arXiv:1906.07155).",
    ]


def _korean(papers: Mapping[str, Any], file: str) -> list[str]:
    names = ", ".join(display_name(entry["name"], "ko") for entry in papers["classes"])
    return [
        f"사진에서 물고기를 찾아 {len(papers['classes'])}가지로 구분하는 모델입니다: {names}.",
        f'`fishdet.load_model("{file}", lang="ko")`로 불러오며, 파일 속의 어떤 코드도 실행되지 '
        "않습니다. 먹어도 되는지, 잡아도 되는지를 판단하는 데 쓰지 마십시오.",
    ]


def _number(value: Any) -> str:
    return f"{value:.3f}" if isinstance(value, int | float) and value >= 0 else "-"
