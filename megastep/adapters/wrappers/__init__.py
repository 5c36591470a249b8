"""Vector wrappers in torch tensors: in the place of Gymnasium's that can't take tensors or turn them into arrays.

They wrap any vector env of tensors, one another too, and know every autoreset mode. Nothing waits for the GPU but
drawing. Of what isn't here, `gymnasium.wrappers.vector.ArrayConversion` makes an env of arrays.
"""

from megastep.adapters.wrappers.normalization import NormalizeObservation, NormalizeReward
from megastep.adapters.wrappers.observations import FlattenObservation, FrameStackObservation
from megastep.adapters.wrappers.statistics import RecordEpisodeStatistics
from megastep.adapters.wrappers.video import RecordVideo

__all__ = [
    'FlattenObservation',
    'FrameStackObservation',
    'NormalizeObservation',
    'NormalizeReward',
    'RecordEpisodeStatistics',
    'RecordVideo',
]
