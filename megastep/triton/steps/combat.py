"""Combat: whom agents aim at, and what a step's shots do. The twin is `megastep.numba.steps.combat`."""

from typing import no_type_check

import triton
import triton.language as tl

from megastep.triton.buffers import device_guard

BLOCK = 128
ROWS = 4
"""How many agents' rays a program looks at."""


@triton.jit
@no_type_check
def _aim(
    lines, distances, keys, targets, max_range, outlines, sides, first, stride, num_rows, num_rays,
    ROWS: tl.constexpr, RAYS: tl.constexpr,
):  # fmt: skip
    """Each row of lanes picks an agent's target: of those that the rays show, the one nearest to the middle."""
    row = (tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS))[:, None]
    ray = tl.arange(0, RAYS)[None, :]
    there = (row < num_rows) & (ray < num_rays)
    line = tl.load(lines + row * stride + first + ray, mask=there, other=0)
    distance = tl.load(distances + row * stride + first + ray, mask=there, other=float('inf'))
    key = tl.load(keys + ray, mask=ray < num_rays, other=0) + line
    best = tl.max(tl.where((line < outlines) & (distance <= max_range), key, -1), 1)
    target = tl.where(best >= 0, (best % outlines) // sides, -1)
    places = tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS)
    tl.store(targets + places, target, mask=places < num_rows)


@device_guard
def aim(lines, distances, keys, targets, max_range, outlines, sides, first):
    """Picks whom agents have in the middle of their view: see `megastep.env.aiming.Aim`."""
    count, stride = targets.numel(), lines.shape[2:].numel()
    _aim[(triton.cdiv(count, ROWS),)](
        lines, distances, keys, targets, float(max_range), outlines, sides, first, stride, count, len(keys),
        ROWS=ROWS, RAYS=triton.next_power_of_2(len(keys)), num_warps=1,
    )  # fmt: skip


@triton.jit(do_not_specialize=['num_envs'])
@no_type_check
def _fight(
    targets, triggers, turns, health, waits, events, period, num_envs,
    AT_WILL: tl.constexpr, AGENTS: tl.constexpr, PADDED: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Each lane is an agent, and a program has all of an env's.

    As a victim it counts its wounds; as a shooter it looks whether whom it struck dies, and who of them is first.
    """
    lane = tl.arange(0, BLOCK)
    e, a = tl.program_id(0).to(tl.int64) * (BLOCK // PADDED) + lane // PADDED, lane % PADDED
    there = (e < num_envs) & (a < AGENTS)
    row, turn = e * AGENTS + a, tl.load(turns + e, mask=there, other=0)
    target = tl.load(targets + row, mask=there, other=-1)
    wait, points = tl.load(waits + row, mask=there, other=1), tl.load(health + row, mask=there, other=1)
    aims = there & (target >= 0) & (target < AGENTS)
    wounds, struck_too, earliest = tl.zeros_like(row), tl.zeros_like(row), tl.zeros_like(row) + AGENTS
    for shooter in range(AGENTS):
        other = e * AGENTS + shooter
        fires = there & (tl.load(waits + other, mask=there, other=1) <= 0)
        if AT_WILL:
            fires &= tl.load(triggers + other, mask=there, other=0) != 0
        victim = tl.load(targets + other, mask=there, other=-1)
        wounds += (fires & (victim == a)).to(tl.int64)
        along = fires & (victim == target)
        struck_too += along.to(tl.int64)
        order = ((shooter - turn) % AGENTS + AGENTS) % AGENTS
        earliest = tl.where(along, tl.minimum(earliest, order), earliest)
    fires = there & (wait <= 0)
    if AT_WILL:
        fires &= tl.load(triggers + row, mask=there, other=0) != 0
    hits, own = aims & fires, ((a - turn) % AGENTS + AGENTS) % AGENTS
    left = tl.load(health + e * AGENTS + target, mask=hits, other=1) - struck_too
    kills, shots = hits & (left <= 0) & (own == earliest), hits
    if AT_WILL:
        shots = fires
    tl.debug_barrier()  # what is looked at above is as it was before the step
    tl.store(health + row, points - wounds, mask=there)
    waited = tl.maximum(wait - 1, 0)
    tl.store(waits + row, tl.where(shots, waited + period - 1, waited), mask=there)
    size = num_envs.to(tl.int64) * AGENTS
    tl.store(events + row, aims.to(tl.int64), mask=there)
    tl.store(events + size + row, shots.to(tl.int64), mask=there)
    tl.store(events + 2 * size + row, hits.to(tl.int64), mask=there)
    tl.store(events + 3 * size + row, wounds, mask=there)
    tl.store(events + 4 * size + row, kills.to(tl.int64), mask=there)
    tl.store(events + 5 * size + row, (points - wounds <= 0).to(tl.int64), mask=there)


@device_guard
def fight(targets, triggers, turns, health, waits, events, period):
    """Fires a step's shots: see `megastep.env.combat.Combat`."""
    num_envs, num_agents = health.shape
    padded = triton.next_power_of_2(num_agents)
    block = max(BLOCK, padded)
    _fight[(triton.cdiv(num_envs, block // padded),)](
        targets, triggers, turns, health, waits, events, period, num_envs,
        AT_WILL=triggers is not None, AGENTS=num_agents, PADDED=padded, BLOCK=block,
    )  # fmt: skip


@triton.jit(do_not_specialize=['num_rows'])
@no_type_check
def _reward(events, values, counts, worth, num_rows, KINDS: tl.constexpr, BLOCK: tl.constexpr):
    """Each lane counts an agent's events, and adds up what they are worth."""
    row = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    there, total = row < num_rows, tl.zeros([BLOCK], tl.float32)
    for k in tl.static_range(KINDS):
        place = k * num_rows.to(tl.int64) + row
        number = tl.load(events + place, mask=there, other=0)
        total += number.to(tl.float32) * tl.load(values + k)
        tl.store(counts + place, tl.load(counts + place, mask=there, other=0) + number, mask=there)
    tl.store(worth + row, total, mask=there)


@device_guard
def reward(events, values, counts, worth):
    """Counts a step's events, and says what they are worth: see `megastep.env.combat.Score`."""
    _reward[(triton.cdiv(worth.numel(), BLOCK),)](
        events, values, counts, worth, worth.numel(), KINDS=len(values), BLOCK=BLOCK, enable_fp_fusion=False
    )


@triton.jit
@no_type_check
def _fallen(mask, health, anew, num_rows, AGENTS: tl.constexpr, BLOCK: tl.constexpr):
    """Each lane tells if an agent begins anew."""
    row = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    there = row < num_rows
    begins = tl.load(mask + row // AGENTS, mask=there, other=0) != 0
    tl.store(anew + row, begins | (tl.load(health + row, mask=there, other=1) <= 0), mask=there)


@device_guard
def fallen(mask, health, anew):
    """Tells which agents begin anew: see `megastep.env.combat.Combat`."""
    _fallen[(triton.cdiv(health.numel(), BLOCK),)](
        mask, health, anew, health.numel(), AGENTS=health.shape[1], BLOCK=BLOCK
    )


@triton.jit
@no_type_check
def _gauge(health, waits, full, period, shares, num_rows, BLOCK: tl.constexpr):
    """Each lane takes an agent's shares."""
    row = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    there = row < num_rows
    points, wait = tl.load(health + row, mask=there, other=0), tl.load(waits + row, mask=there, other=0)
    tl.store(shares + row, tl.div_rn(points.to(tl.float32), full), mask=there)
    tl.store(shares + num_rows + row, tl.div_rn(wait.to(tl.float32), period), mask=there)


@device_guard
def gauge(health, waits, full, period, shares):
    """Takes the shares of agents' health and cooldown that are left: see `megastep.env.combat.Combat`."""
    count = health.numel()
    _gauge[(triton.cdiv(count, BLOCK),)](health, waits, float(full), float(period), shares, count, BLOCK=BLOCK)
