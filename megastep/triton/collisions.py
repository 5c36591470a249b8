"""Collision detection and response: discs that sweep through walls and each other, and slide along what they touch.

Teams of one to four lanes move an agent each: see `megastep.triton.obstacles`. The comments of the
twin, `megastep.numba.collisions`, hold here too.
"""

from typing import NamedTuple, no_type_check

import triton
import triton.language as tl

from megastep.triton import buffers
from megastep.triton.ahead import launch
from megastep.triton.constants import DEGREE
from megastep.triton.impacts import NUDGE
from megastep.triton.obstacles import (
    BLOCK,
    FIRST_AGENT,
    FIRST_MARKER,
    SKIN,
    Obstacles,
    any_of,
    committed,
    finite,
    first_impact,
    walls_near,
)
from megastep.triton.steps.sensors import turned_by

LONGEST = tl.constexpr(1024.0)
SLIDES = tl.constexpr(4)
MORE = tl.constexpr(1 + 1e-4)
LANES = 4
"""How many lanes a team has at most."""
WARPS = 16
"""It has fewer where agents would else take more warps of each multiprocessor: few walls are near most agents, so that
lanes beside the first have little to do. Where there are few agents they shorten what is waited for."""


class Outcome(NamedTuple):
    """Results of a step besides the agents' state: an entry an agent in each."""

    contacts: tl.tensor
    non_finite: tl.tensor
    stops: tl.tensor
    progress: tl.tensor
    displacements: tl.tensor | None


class Sizes(NamedTuple):
    """Constants of `_advance`."""

    num_agents: int
    agents: int  # as many, or more, to be a power of 2
    envs: int  # a program's
    lanes: int  # a team's
    num_markers: int
    sides: int


@triton.jit
@no_type_check
def side_touched(outline, angle, nx, ny, SIDES: tl.constexpr):
    """The side of each agent's outline that faces along the normal."""
    cos, sin = tl.cos(angle * DEGREE), tl.sin(angle * DEGREE)
    best, side = tl.zeros_like(nx) - 2.0, tl.zeros_like(nx).to(tl.int32)
    for k in range(SIDES):
        x, y = (
            tl.load(outline + 4 * k) + tl.load(outline + 4 * k + 2),
            tl.load(outline + 4 * k + 1) + tl.load(outline + 4 * k + 3),
        )
        facing = (cos * x - sin * y) * nx + (sin * x + cos * y) * ny
        best, side = tl.maximum(facing, best), tl.where(facing > best, k, side)
    return side


@triton.jit
@no_type_check
def move(obstacles, px, py, vx, vy, dx, dy, moves, SLIDE: tl.constexpr, SIZES: tl.constexpr):
    """Moves agents by d: see `megastep.numba.collisions.move`."""
    progress, touched, stopped = tl.zeros_like(px) + 1.0, tl.zeros_like(moves.to(tl.int32)) - 1, tl.zeros_like(moves)
    touched_x, touched_y, last_x, last_y = tl.zeros_like(px), tl.zeros_like(px), tl.zeros_like(px), tl.zeros_like(px)
    since, slides = tl.zeros_like(px) + float('inf'), 0
    going = moves & ((dx != 0) | (dy != 0))
    while (slides < SLIDES) & any_of(going):
        time, nx, ny, number, marks, near = first_impact(obstacles, px, py, dx, dy, going, SIZES)
        share, qx, qy = tl.zeros_like(px) + 1.0, px + time * dx, py + time * dy
        if any_of(near):
            share, qx, qy = committed(obstacles, px, py, time * dx, time * dy, marks, near, SIZES)
        px, py = tl.where(going, qx, px), tl.where(going, qy, py)
        is_first = going & (touched < 0) & ((number >= 0) | (share < 1))
        progress, touched = tl.where(is_first, share * time, progress), tl.where(is_first, number, touched)
        touched_x, touched_y = tl.where(is_first, nx, touched_x), tl.where(is_first, ny, touched_y)
        blocked = share == 0
        over = (number < 0) & ~blocked
        since += time * tl.sqrt(dx * dx + dy * dy)
        dx, dy = (1 - time) * dx, (1 - time) * dy
        into, speed_into = tl.minimum(dx * nx + dy * ny, 0.0), tl.minimum(vx * nx + vy * ny, 0.0)
        dx, dy = dx - (into - NUDGE) * nx, dy - (into - NUDGE) * ny
        slower_x, slower_y = vx - speed_into * nx, vy - speed_into * ny
        stops = blocked | (~over & (since < SKIN) & (dx * last_x + dy * last_y < 0))
        if not SLIDE:
            stops = stops | ~over
        vx = tl.where(going, tl.where(stops, 0.0, slower_x), vx)
        vy = tl.where(going, tl.where(stops, 0.0, slower_y), vy)
        stopped |= going & blocked
        last_x, last_y, since, slides = nx, ny, tl.zeros_like(px), slides + 1
        going &= ~over & ~stops & ((dx != 0) | (dy != 0))
    return px, py, vx, vy, progress, touched, touched_x, touched_y, stopped


@triton.jit
@no_type_check
def intended(agents, agent, there, step):
    """The velocities that agents set out with, how much those were scaled, and which were finite."""
    vx, vy = (
        tl.load(agents.velocities + 2 * agent, mask=there, other=0.0),
        tl.load(agents.velocities + 2 * agent + 1, mask=there, other=0.0),
    )
    is_finite = finite(vx) & finite(vy)
    vx, vy = tl.where(is_finite, vx, 0.0), tl.where(is_finite, vy, 0.0)
    furthest = tl.maximum(tl.maximum(tl.abs(vx * step), tl.abs(vy * step)), 1e-30)
    scale = tl.minimum(LONGEST.value / furthest, 1.0)  # as a number: Triton 3.7 can't interpret the constant here
    return scale * vx, scale * vy, scale, is_finite


@triton.jit
@no_type_check
def reach(vx, vy, step):
    """The most that agents may get away in a step, in metres."""
    return tl.sqrt(vx * step * (vx * step) + vy * step * (vy * step)) * MORE + 4 * SKIN


@triton.jit
@no_type_check
def may_touch_another(agents, first_agent, agent, there, px, py, vx, vy, radius, step, SIZES: tl.constexpr):
    """True for the agents that may come to touch another of their env, however each goes and in whichever order."""
    crowded, own = tl.zeros_like(there), reach(vx, vy, step) + 2 * radius
    lane = tl.broadcast_to(tl.arange(0, SIZES.lanes)[None, :], there.shape)
    for start in range(0, SIZES.num_agents, SIZES.lanes):
        other = first_agent + start + lane
        asks = there & (start + lane < SIZES.num_agents) & (other != agent)
        x, y = (
            tl.load(agents.positions + 2 * other, mask=asks, other=0.0) - px,
            tl.load(agents.positions + 2 * other + 1, mask=asks, other=0.0) - py,
        )
        vx, vy, _, _ = intended(agents, other, asks, step)
        crowded |= asks & ~(tl.sqrt(x * x + y * y) > own + reach(vx, vy, step))  # so are those that are nowhere
    return tl.broadcast_to(tl.max(crowded.to(tl.int32), 1, keep_dims=True), there.shape) > 0


@triton.jit
@no_type_check
def line_touched(maps, agents, obstacles, number, nx, ny, SIZES: tl.constexpr):
    """The lines of what agents touched: see `first_impact` for its number."""
    FIRST_WALL_LINE: tl.constexpr = SIZES.num_agents * SIZES.sides
    is_wall = (number >= 0) & (number < FIRST_AGENT)
    wall = tl.load(maps.numbers + obstacles.walls.first_wall + number, mask=is_wall, other=0)
    line = tl.where(is_wall, FIRST_WALL_LINE + wall, number)
    if SIZES.num_markers > 0:
        line = tl.where(number >= FIRST_MARKER, number - FIRST_MARKER + obstacles.markers.first_line, line)
    if SIZES.num_agents > 1:
        is_agent = (number >= FIRST_AGENT) & (number < FIRST_MARKER)
        if any_of(is_agent):
            angle = tl.load(agents.angles + obstacles.first_agent + number - FIRST_AGENT, mask=is_agent, other=0.0)
            side = side_touched(maps.outline, angle, nx, ny, SIZES.sides)
            line = tl.where(is_agent, (number - FIRST_AGENT) * SIZES.sides + side, line)
    return line


@triton.jit
@no_type_check
def count(counts, counted):
    """Adds one to some counts."""
    tl.store(counts, tl.load(counts, mask=counted, other=0) + 1, mask=counted)


@triton.jit
@no_type_check
def advance_agents(
    maps, agents, obstacles, step, outcome, moves, known, heading, SLIDE: tl.constexpr, SIZES: tl.constexpr
):
    """Moves an agent of each team: see `megastep.numba.collisions.advance_agent`.

    Where it is and goes is known if it is alone; of several, who waits would keep that in registers.
    """
    agent = obstacles.agent
    from_x, from_y, vx, vy, scale, is_finite = known
    if SIZES.num_agents > 1:
        from_x, from_y = (
            tl.load(agents.positions + 2 * agent, mask=moves, other=0.0),
            tl.load(agents.positions + 2 * agent + 1, mask=moves, other=0.0),
        )
        vx, vy, scale, is_finite = intended(agents, agent, moves, step)
    px, py, vx, vy, made, number, nx, ny, stopped = move(
        obstacles, from_x, from_y, vx, vy, vx * step, vy * step, moves, SLIDE, SIZES
    )
    line = line_touched(maps, agents, obstacles, number, nx, ny, SIZES)
    moves &= tl.broadcast_to(tl.arange(0, SIZES.lanes)[None, :], moves.shape) == 0
    count(outcome.non_finite + agent, moves & ~is_finite)
    count(outcome.stops + agent, moves & stopped)
    tl.store(agents.positions + 2 * agent, px, mask=moves)
    tl.store(agents.positions + 2 * agent + 1, py, mask=moves)
    tl.store(agents.velocities + 2 * agent, vx, mask=moves)
    tl.store(agents.velocities + 2 * agent + 1, vy, mask=moves)
    tl.store(outcome.contacts + agent, line, mask=moves)
    tl.store(outcome.progress + agent, scale * made, mask=moves)
    if outcome.displacements is not None:
        forward, left = turned_by(px - from_x, py - from_y, -heading)
        tl.store(outcome.displacements + 2 * agent, forward, mask=moves)
        tl.store(outcome.displacements + 2 * agent + 1, left, mask=moves)


@triton.jit
@no_type_check
def turned_to(rate, angle, step):
    """The angles that agents turn to."""
    angle += step * tl.where(finite(rate), rate, 0.0)
    return angle - 360 * tl.floor((angle + 180) / 360)


@triton.jit
@no_type_check
def turn(agents, agent, there, rate, heading, outcome, SIZES: tl.constexpr):
    """Turns the agents."""
    there &= tl.broadcast_to(tl.arange(0, SIZES.lanes)[None, :], there.shape) == 0
    count(outcome.non_finite + agent, there & ~finite(rate))
    tl.store(agents.angular_velocities + agent, tl.zeros_like(rate), mask=there & ~finite(rate))
    tl.store(agents.angles + agent, heading, mask=there)


@triton.jit(do_not_specialize=['num_envs'])
@no_type_check
def _advance(maps, agents, markers, radius, step, turns, outcome, num_envs, SLIDE: tl.constexpr, SIZES: tl.constexpr):
    """Moves the agents of a program's envs, a team each. Those that may touch another of their env go in turn."""
    NUM: tl.constexpr = SIZES.num_agents
    team = tl.arange(0, SIZES.envs * SIZES.agents)
    team = tl.broadcast_to(team[:, None], (SIZES.envs * SIZES.agents, SIZES.lanes))
    e, number = tl.program_id(0).to(tl.int64) * SIZES.envs + team // SIZES.agents, team % SIZES.agents
    there, first_agent, agent = (e < num_envs) & (number < NUM), e * NUM, e * NUM + number
    m = tl.load(agents.map_ids + e, mask=there, other=0)
    px, py = (
        tl.load(agents.positions + 2 * agent, mask=there, other=0.0),
        tl.load(agents.positions + 2 * agent + 1, mask=there, other=0.0),
    )
    rate = tl.load(agents.angular_velocities + agent, mask=there, other=0.0)  # or it would be waited for at the end
    angle = tl.load(agents.angles + agent, mask=there, other=0.0)
    vx, vy, scale, is_finite = intended(agents, agent, there, step)
    heading = turned_to(rate, angle, step)
    known = px, py, vx, vy, scale, is_finite
    walls = walls_near(maps, m, px, py, reach(vx, vy, step), there)
    num_blocks = (tl.max(walls.count) + BLOCK - 1) // BLOCK
    crowded, place = tl.zeros_like(there), tl.zeros_like(number)
    turned = tl.load(turns + e, mask=there, other=0)
    if NUM > 1:
        crowded = may_touch_another(agents, first_agent, agent, there, px, py, vx, vy, radius, step, SIZES)
        place = tl.where(crowded, (number + NUM - (turned % NUM).to(tl.int32)) % NUM, 0)
        tl.debug_barrier()  # what is looked at above is as it was before the step
    tl.store(turns + e, turned + 1, mask=there & (number == 0))
    obstacles = Obstacles(
        walls, num_blocks, agents.positions, first_agent, agent, crowded, radius, markers, e * SIZES.num_markers
    )
    for i in range(NUM):
        moves = there & (place == i)
        if any_of(moves):
            advance_agents(maps, agents, obstacles, step, outcome, moves, known, heading, SLIDE, SIZES)
            tl.debug_barrier()  # who moves later meets them where they now are
    tl.debug_barrier()  # angles are looked up above as they were before the step
    turn(agents, agent, there, rate, heading, outcome, SIZES)


def lanes_for(core):
    """The number of lanes of a team: all that there is room for. Several agents of an env wait for each other."""
    room = 32 * WARPS * buffers.multiprocessors(core.device) // core.num_envs
    return LANES if core.num_agents > 1 else min(1 << max(room, 1).bit_length() - 1, LANES)


@buffers.device_guard
def advance(core, progress, displacements, *, slide):
    """Moves every agent for one step: see `megastep.world.physics.advance`."""
    num_agents, num_markers = core.num_agents, core.num_markers if core.solid else 0
    agents, lanes = triton.next_power_of_2(num_agents), lanes_for(core)
    envs = max(1, 32 // lanes // agents)
    sizes = Sizes(
        num_agents=num_agents,
        agents=agents,
        envs=envs,
        lanes=lanes,
        num_markers=num_markers,
        sides=core.scenery.lines_per_agent,
    )
    outcome = Outcome(core.contacts, core.non_finite, core.stops, progress, displacements)
    launch(
        _advance, (triton.cdiv(core.num_envs, envs),),
        buffers.maps(core.scenery, seen=False), buffers.agents(core), buffers.solid_markers(core), core.agent_radius,
        1 / core.fps, core.turn, outcome, core.num_envs,
        SLIDE=slide, SIZES=sizes, num_warps=min(32, envs * agents * lanes // 32),
        enable_fp_fusion=False,
    )  # fmt: skip
