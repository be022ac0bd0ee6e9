"""mmengine hooks, one file each: registered on import."""

from .checkpoints import FishCheckpointHook
from .compiled import CompileHook
from .convolutions import ConvolutionsHook
from .exact_resume import ExactResumeHook
from .finite_loss import FiniteLossHook
from .graceful_stop import GracefulStopHook
from .image_shares import ImageSharesHook
from .records import RecordsHook
from .shape_watch import ShapeWatchHook
from .throughput import ThroughputHook

__all__ = [
    "CompileHook",
    "ConvolutionsHook",
    "ExactResumeHook",
    "FiniteLossHook",
    "FishCheckpointHook",
    "GracefulStopHook",
    "ImageSharesHook",
    "RecordsHook",
    "ShapeWatchHook",
    "ThroughputHook",
]
