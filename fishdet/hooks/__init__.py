"""mmengine hooks, one file each: registered on import."""

from .channels_last import ChannelsLastHook
from .checkpoints import FishCheckpointHook
from .exact_resume import ExactResumeHook
from .finite_loss import FiniteLossHook
from .graceful_stop import GracefulStopHook
from .records import RecordsHook
from .shape_watch import ShapeWatchHook
from .throughput import ThroughputHook

__all__ = [
    "ChannelsLastHook",
    "ExactResumeHook",
    "FiniteLossHook",
    "FishCheckpointHook",
    "GracefulStopHook",
    "RecordsHook",
    "ShapeWatchHook",
    "ThroughputHook",
]
