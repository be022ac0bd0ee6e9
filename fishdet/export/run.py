"""From a trained model to an exported file, checked against PyTorch before it is written."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fish_dataset.files import require_writable
from fishdet.checkpoint import load_checkpoint
from fishdet.checkpoint.loading import resolve
from fishdet.errors import FishdetError
from fishdet.inference.build import pipeline_steps
from fishdet.inference.detector import Detector

from .graph import graph_of
from .papers import export_papers
from .write import write_model

SUFFIX = {"onnx": ".onnx", "openvino": ".xml", "torchscript": ".torchscript"}


@dataclass(frozen=True)
class ExportOptions:
    """The choices of one export; each mirrors a flag of ``tools/export.py``."""

    model: str
    format: str = "onnx"
    out: Path | None = None
    config: Path | None = None
    trust_pickle: bool = False
    int8: bool = False
    data: Path | None = None
    drop: float = 0.01
    images: int = 100
    tries: int = 32
    force: bool = False
    proposals: int | None = None
    fast: bool = False


def export(options: ExportOptions) -> tuple[Path, dict[str, Any]]:
    """Write the file.

    Returns:
        Its path, and its papers.

    Raises:
        FishdetError, FishDataError: the model cannot be exported, a package is missing, the file
            cannot be written, or data that is asked for does not do.
    """
    path = resolve(options.model)
    if path.suffix in SUFFIX.values():
        raise FishdetError(f"{path}: exported already; give the trained model that it was made of")
    if options.int8 and options.format == "torchscript":
        raise FishdetError("--int8: torchscript has none here; use onnx or openvino")
    out = options.out or path.with_suffix(SUFFIX[options.format])
    if out.suffix != SUFFIX[options.format]:
        raise FishdetError(
            f"--out {out}: a file of format {options.format} ends in {SUFFIX[options.format]}"
        )
    require_writable(out.parent, "--out")
    if out.is_dir():
        raise FishdetError(f"--out {out}: is a folder; name a file")
    fast = _fast(options) if options.fast else {}
    proposals = fast.get("proposals", options.proposals)
    detector = Detector(
        path,
        config=options.config,
        device="cpu",
        precision="fp32",
        trust_pickle=options.trust_pickle,
        score_thr=0.0,
        proposals=proposals,
        plain=True,  # converters fold by themselves
    )
    graph = graph_of(detector.network.model, pipeline_steps(detector.cfg, str(path)))
    checkpoint = load_checkpoint(path, options.trust_pickle)
    papers = export_papers(
        detector, checkpoint, path, graph.outputs, proposals, options.config is None
    )
    if fast:
        papers["fast"] = fast
    if options.int8:
        from .quantise import write_quantised

        papers |= write_quantised(graph, papers, out, options)
    else:
        write_model(graph, papers, out, options.format)
    return out, papers


def _fast(options: ExportOptions) -> dict[str, Any]:
    """The fewest proposals that lose little on val, and the AP (of 1) with all and with these."""
    from fishdet.analysis.proposals import DROP, fewest, measure_proposals

    if options.data is None:
        raise FishdetError(
            "--fast chooses the number of proposals on pictures of yours: --data DIR"
        )
    rows = measure_proposals(
        options.model, options.data, config=options.config, device="cpu",
        trust_pickle=options.trust_pickle,
    )  # fmt: skip
    best = fewest(rows, DROP)
    return {"proposals": best.number, "ap": {"before": rows[0].ap, "after": best.ap}}
