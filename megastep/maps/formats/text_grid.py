"""Grids that are written as text: mazes of MiniGrid, of labmaze, and of one's own.

Each letter is a cell: ``#``, ``*``, ``W`` and blocks are wall, a dot, a space and what isn't listed here is floor, and
``P``, ``S`` and ``r`` are floor that agents start on. What MiniGrid prints has two letters a cell, the first for what
stands there: ``W`` is a wall, ``D``, ``L`` and ``__`` are doors, and ``>``, ``<``, ``^`` and ``V`` twice are the agent.
What is empty around its rooms, up to the edge, is no floor.
"""

from __future__ import annotations

import re

import numpy as np
from jaxtyping import Bool
from scipy import ndimage

from megastep.maps.formats.grid import MOST_CELLS

WALLS = frozenset('#*W\u2588\u2593\u2592X+|')
STARTS = frozenset('PSr')

MINIGRID_WALL = 'W'
MINIGRID_DOORS = frozenset('DL_')
MINIGRID_AGENTS = frozenset(('>>', '<<', '^^', 'VV'))
MINIGRID_THINGS, MINIGRID_COLOURS = frozenset('WFDLKABGV'), frozenset('RGBPY')

Cells = Bool[np.ndarray, 'row column']


def parse(text: str) -> tuple[Cells, list[tuple[int, int]], list[tuple[int, int]]]:
    """Reads a grid.

    Args:
        text: The rows, from the top, one a line. Shorter ones end in cells that aren't free.

    Returns:
        A mask of the cells that are free; and the rows and columns of starts, and of doors.

    Raises:
        ValueError: if there are no cells, or too many; or none of them is wall.
    """
    lines = re.split('\r\n?|\n', text)  # not splitlines, which breaks at other letters too
    while lines and not lines[0].strip():
        lines.pop(0)
    while lines and not lines[-1].strip():
        lines.pop()
    if not lines:
        raise ValueError('a grid of text must have rows, got none.')
    width = max(map(len, lines))
    if width * len(lines) > MOST_CELLS:
        raise ValueError(f'must have at most {MOST_CELLS} cells, got {len(lines)} x {width}.')
    rows = [[line[i : i + 2] for i in range(0, len(line), 2)] for line in lines] if is_minigrid(lines) else lines
    return _cells(rows, minigrid=rows is not lines)


def is_minigrid(lines: list[str]) -> bool:
    """True if two letters are a cell, as MiniGrid prints them: what stands there and its colour, or nothing."""
    pairs = {line[i : i + 2] for line in lines for i in range(0, len(line), 2)}
    known = {'  ', '__', *MINIGRID_AGENTS}
    usual = all(pair in known or (pair[0] in MINIGRID_THINGS and pair[1:] in MINIGRID_COLOURS) for pair in pairs)
    return usual and any(pair[0] == MINIGRID_WALL for pair in pairs)


def _cells(rows: list, *, minigrid: bool) -> tuple[Cells, list[tuple[int, int]], list[tuple[int, int]]]:
    free = np.zeros((len(rows), max(map(len, rows))), bool)
    starts, doors = [], []
    for row, cells in enumerate(rows):
        for column, cell in enumerate(cells):
            free[row, column] = cell[0] not in ({MINIGRID_WALL} if minigrid else WALLS)
            if cell in (MINIGRID_AGENTS if minigrid else STARTS):
                starts.append((row, column))
            elif minigrid and cell[0] in MINIGRID_DOORS:
                doors.append((row, column))
    if not minigrid and not any(cell in WALLS for cells in rows for cell in cells):
        raise ValueError(
            f'a grid of text must have walls ({" ".join(sorted(WALLS, key=ord))}), got none in {rows[0][:40]!r}.'
        )
    return _inside(free) if minigrid else free, starts, doors


def _inside(free: Cells) -> Cells:
    """The free cells without those that lead to the grid's edge, unless all of them do."""
    patches, _ = ndimage.label(free)
    edge = np.concatenate([patches[0], patches[-1], patches[:, 0], patches[:, -1]])
    inner = free & ~np.isin(patches, edge)
    return inner if inner.any() else free
