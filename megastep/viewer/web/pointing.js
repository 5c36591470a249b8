// What lies under the pointer: on the plan, in the strip and in the rows of pixels.

import { hex } from './colours.js';
import { within } from './shapes.js';

const NEARBY = 9; // pixels within which a wall or an agent is meant

/** Zooms, pans and chooses by the pointer on the plan, and says what is under it. */
export function pointAtPlan(app, plan, say) {
  const { canvas } = plan.panel;
  const pointers = new Map();
  let moved = 0;
  const place = (event) => {
    const { left, top } = canvas.getBoundingClientRect();
    return [event.clientX - left, event.clientY - top];
  };
  canvas.addEventListener('wheel', (event) => {
    event.preventDefault();
    app.follow &&= !event.shiftKey;
    plan.view.zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0016)), ...place(event));
    app.changed();
  }, { passive: false });
  canvas.addEventListener('dblclick', () => app.fit());
  canvas.addEventListener('pointerdown', (event) => {
    canvas.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, place(event));
    moved = 0;
  });
  canvas.addEventListener('pointermove', (event) => {
    const now = place(event);
    const before = pointers.get(event.pointerId);
    if (!before) return say(event, describePlace(app, plan, now));
    moved += Math.hypot(now[0] - before[0], now[1] - before[1]);
    if (pointers.size === 2) pinch(plan.view, pointers, event.pointerId, now);
    else plan.view.pan(now[0] - before[0], now[1] - before[1]);
    pointers.set(event.pointerId, now);
    app.follow = false;
    return app.changed();
  });
  const end = (event) => {
    pointers.delete(event.pointerId);
    if (event.type === 'pointerup' && moved < 4) {
      const agent = agentAt(app, plan, place(event));
      if (agent !== null) app.choose(app.number, agent);
      else app.put?.(...plan.view.toWorld(...place(event)));
    }
  };
  canvas.addEventListener('pointerup', end);
  canvas.addEventListener('pointercancel', end);
  canvas.addEventListener('pointerleave', () => say(null));
}

function pinch(view, pointers, id, now) {
  const [other] = [...pointers].filter(([each]) => each !== id).map(([, each]) => each);
  const before = pointers.get(id);
  const apart = ([x, y]) => Math.max(20, Math.hypot(x - other[0], y - other[1]));
  view.zoom(apart(now) / apart(before), ...other);
}

function agentAt({ track, moment }, { view }, [px, py]) {
  let [nearest, found] = [NEARBY + 6, null];
  for (let agent = 0; agent < track.agents; agent++) {
    const { x, y } = track.pose(agent, moment);
    const [sx, sy] = view.toScreen(x, y);
    const distance = Math.hypot(sx - px, sy - py);
    if (distance < nearest) [nearest, found] = [distance, agent];
  }
  return found;
}

/** Lines on a place of the plan, and the colour there if it is a wall. */
export function describePlace(app, plan, [px, py]) {
  const [x, y] = plan.view.toWorld(px, py);
  const pose = app.track.pose(app.agent, app.moment);
  const lines = [`${x.toFixed(2)}, ${y.toFixed(2)} m`];
  const room = plan.map.rooms.find(({ outline }) => within(outline, x, y));
  if (room) lines.push(room.kind);
  lines.push(`${Math.hypot(x - pose.x, y - pose.y).toFixed(2)} m from agent ${app.agent}`);
  const agent = agentAt(app, plan, [px, py]);
  if (agent !== null) lines.push(`agent ${agent}`);
  const wall = wallAt(plan.map, x, y, NEARBY / plan.view.scale);
  if (wall) lines.push(`wall ${wall.wall}, texel ${wall.texel}: ${wall.colour}`);
  return { lines, colour: wall?.colour };
}

/** The nearest wall, of two that are as near that which is seen from here. */
function wallAt({ walls, counts, firsts, colours }, x, y, reach) {
  let [nearest, found] = [reach, null];
  for (let i = 0; i < walls.length; i += 4) {
    const [ax, ay, bx, by] = walls.subarray(i, i + 4);
    const [ex, ey] = [bx - ax, by - ay];
    const share = Math.max(0, Math.min(1, ((x - ax) * ex + (y - ay) * ey) / (ex * ex + ey * ey)));
    const behind = ex * (y - ay) - ey * (x - ax) < 0;
    const distance = Math.hypot(ax + share * ex - x, ay + share * ey - y) + (behind ? 1e-3 : 0);
    if (distance >= nearest) continue;
    const wall = i / 4;
    const texel = Math.min(counts[wall] - 1, Math.floor(share * counts[wall]));
    const at = 3 * (firsts[wall] + texel);
    [nearest, found] = [distance, { wall, texel, colour: hex(...colours.subarray(at, at + 3)) }];
  }
  return found;
}

/** Says which pixel of the strip, or which pixel and frame of the rows, is under the pointer. */
export function pointAtPixels(app, { canvas }, over, say) {
  canvas.addEventListener('pointerleave', () => say(null));
  canvas.addEventListener('pointermove', (event) => {
    if (!app.sights) return;
    const { left, top, width, height } = canvas.getBoundingClientRect();
    const [across, down] = [(event.clientX - left) / width, (event.clientY - top) / height];
    const frame = over ? Math.min(app.track.frames - 1, Math.max(0, Math.floor(across * app.track.frames))) : app.clock.frame;
    say(event, describePixel(app, frame, over ? down : across, over));
  });
}

function describePixel({ sights, recording }, frame, share, over) {
  const total = over ? sights.length : sights.reduce((sum, { kind }) => sum + kind.res, 0);
  let [left, place] = [0, share * total];
  for (const { name, kind, rgb, depth } of sights) {
    const size = over ? 1 : kind.res;
    if (place < left + size || name === sights[sights.length - 1].name) {
      const pixel = Math.max(0, Math.min(kind.res - 1, Math.floor(((place - left) / size) * kind.res)));
      const at = 4 * (frame * kind.res + pixel);
      const colour = hex(rgb[at], rgb[at + 1], rgb[at + 2]);
      const metres = recording.radius + (1 - depth[at] / 255) * kind.maxDepth;
      const far = depth[at] ? `${metres.toFixed(2)} m` : `${kind.maxDepth} m or more`;
      const lines = [`step ${frame}, pixel ${pixel}${name ? ` of ${name}` : ''}`, `${colour}, ${far}`];
      return { lines, colour };
    }
    left += size;
  }
  return { lines: [] };
}
