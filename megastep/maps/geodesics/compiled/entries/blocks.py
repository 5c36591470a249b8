"""Blocks of cells whose middle is free: what they see is gathered, and the lists of the nodes chosen are kept."""

import numpy as np
from numba import njit

from megastep.maps.geodesics.compiled.cells import cell_of, first_cell
from megastep.maps.geodesics.compiled.entries.block_room import CELLS
from megastep.maps.geodesics.compiled.entries.choosing import has_room, kept_list
from megastep.maps.geodesics.compiled.entries.samples import MIDDLE
from megastep.maps.geodesics.compiled.entries.serving import choose_for_block
from megastep.maps.geodesics.compiled.walls import INLINED, KERNEL, PART


@njit(**KERNEL)
def fill_middles(occupied, cells, goals, found, visible, tolerance, room, block_room, kinds, starts, lists, done):
    """Fills the entries of the cells whose middle is free, block by block, in place.

    ``done`` is how many blocks are done; stops where there may be no room for more lists.
    """
    blocks, last = len(found.firsts) - 1, np.int64(0)
    while done[0] < blocks and has_room(lists, CELLS, len(room.chosen)):
        b = done[0]
        corner = first_cell(cells, found.columns, b)
        free = seen_cells(found, b) & ~np.int64(occupied[b])
        if free:
            count = gather(cells, found, b, corner, free, visible, block_room)
            for lane in range(CELLS):
                if free >> lane & 1:
                    kinds[cell_of(cells, corner, lane)] = MIDDLE
            last = fill_block(cells, goals, corner, count, free, tolerance, room, block_room, starts, lists, last)
        done[0] = b + 1


@njit(**INLINED)
def seen_cells(found, b):
    """Bits of the cells of a block that see anything."""
    seen = np.uint16(0)
    for k in range(found.firsts[b], found.firsts[b + 1]):
        seen |= found.masks[k]
    return np.int64(seen)


@njit(**INLINED)
def gather(cells, found, b, corner, free, visible, room):
    """Gathers the goals and the candidates that the free cells of a block see; returns how many candidates."""
    sources, masks, count = found.sources, found.masks, np.int64(0)
    for g in range(found.goals):
        room.sights[g] = 0
    for k in range(found.firsts[b], found.firsts[b + 1]):
        mask, source = np.int64(masks[k]) & free, np.int64(sources[k])
        if source >= found.goals:
            room.nodes[count], room.masks[count] = source - found.goals, mask
            count += mask != 0
            continue
        room.sights[source] = mask
        word, bit = source >> 5, np.uint32(1) << np.uint32(source & 31)
        for lane in range(CELLS):
            if mask >> lane & 1:
                visible[cell_of(cells, corner, lane), word] |= bit
    return count


@njit(**INLINED)
def sort_chosen(chosen, served, count):
    """Sorts nodes by number, with the bits of the cells that they are given to, so that lists are sorted."""
    for hop in range(1, count):
        node, cells, before = chosen[hop], served[hop], hop
        while before > 0 and chosen[before - 1] > node:
            chosen[before], served[before] = chosen[before - 1], served[before - 1]
            before -= 1
        chosen[before], served[before] = node, cells


@njit(**PART)
def fill_block(cells, goals, corner, count, left, tolerance, room, block_room, starts, lists, last):
    """Chooses the nodes of some cells of a block, and keeps their lists; returns where the last of them begins.

    Cells that would need more nodes than they may have are left, and do with twice the tolerance, and so on.
    """
    settles = True
    while left:
        chosen = choose_for_block(cells, goals, corner, count, left, settles, tolerance, block_room)
        sort_chosen(block_room.chosen, block_room.served, chosen)
        left, last = keep_lists(cells, corner, left, chosen, room, block_room, starts, lists, last)
        tolerance, settles = np.float32(2) * tolerance, False
    return last


@njit(**INLINED)
def keep_lists(cells, corner, left, chosen, room, block_room, starts, lists, last):
    """Keeps the lists of some cells of a block, of the nodes that they are given; bits of those for which they are too
    many, or for which there was too little room to choose, and where the last list begins.
    """
    again = np.int64(0) if chosen >= 0 else left
    for lane in range(CELLS):
        if not (left & ~again) >> lane & 1:
            continue
        cell = cell_of(cells, corner, lane)
        many, same = nodes_of(lane, left, chosen, room, block_room)
        left &= ~same
        if many > len(room.chosen):
            again |= same
            continue
        hints = (last, np.int64(starts[cell - 1]), np.int64(starts[max(cell - cells.columns, 0)]))
        last = kept_list(room.chosen, many, lists, hints)
        for other in range(lane, CELLS):
            if same >> other & 1:
                starts[cell_of(cells, corner, other)] = last
    return again, last


@njit(**INLINED)
def nodes_of(lane, left, chosen, room, block_room):
    """Writes the nodes that a cell is given, as many as it may have; returns how many it would have, and bits of those
    of some cells that are given the same.
    """
    many, same = np.int64(0), left
    for hop in range(chosen):
        served = block_room.served[hop]
        if served >> lane & 1:
            if many < len(room.chosen):
                room.chosen[many] = block_room.chosen[hop]
            many, same = many + 1, same & served
        else:
            same &= ~served
    return many, same
