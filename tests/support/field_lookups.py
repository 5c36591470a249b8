"""What geodesic fields say from places in maps, and what the search for paths between spawns says."""

from dataclasses import replace

import numpy as np
import torch

from megastep.env.navigation import RAGGEDS, TENSORS
from megastep.maps import geodesics
from megastep.maps.geometry import AGENT_RADIUS
from megastep.world.buffers import on_device


def moved(field, device):
    """The same field on another device. One that is computed there may name other nodes."""
    buffers = {name: getattr(field, name).to(device) for name in TENSORS}
    return replace(field, **buffers, **{name: on_device(getattr(field, name), device) for name in RAGGEDS})


def to_all(field, number, places):
    """The distances from places in a map to all its spawns: (place, spawn)."""
    spawns = int(field.spawns.widths[number])
    positions = torch.as_tensor(places).float()[:, None].expand(-1, spawns, -1)
    ids = torch.full((len(places),), number)
    goals = torch.arange(spawns).expand(len(places), -1)
    device = field.corners.device
    return field.distances(positions.to(device), ids.to(device), goals.to(device)).cpu().numpy()


def expected(geometry, places):
    """The same by the search for paths between spawns."""
    points = np.concatenate([geometry.spawns, places])
    split = len(geometry.spawns)
    return geodesics.distances(geometry.walls, points, AGENT_RADIUS)[split:, :split]
