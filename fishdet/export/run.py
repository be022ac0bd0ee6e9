"""From a trained model to an exported file, checked against PyTorch before it is written."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

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


def export(options: ExportOptions) -> tuple[Path, dict[str, Any]]:
    """Write the file.

    Returns:
        Its path, and its papers.

    Raises:
        FishdetError: the model cannot be exported, or a package is missing.
    """
    path = resolve(options.model)
    out = options.out or path.with_suffix(SUFFIX[options.format])
    if out.suffix != SUFFIX[options.format]:
        raise FishdetError(
            f"--out {out}: a file of format {options.format} ends in {SUFFIX[options.format]}"
        )
    out.parent.mkdir(parents=True, exist_ok=True)
    detector = Detector(
        path,
        config=options.config,
        device="cpu",
        precision="fp32",
        trust_pickle=options.trust_pickle,
        score_thr=0.0,
        proposals=options.proposals,
        plain=True,  # converters fold by themselves
    )
    graph = graph_of(detector.network.model, pipeline_steps(detector.cfg, str(path)))
    checkpoint = load_checkpoint(path, options.trust_pickle)
    papers = export_papers(detector, checkpoint, path, graph.outputs)
    if options.int8:
        from .quantise import write_quantised

        papers |= write_quantised(graph, papers, out, options)
    else:
        write_model(graph, papers, out, options.format)
    return out, papers
