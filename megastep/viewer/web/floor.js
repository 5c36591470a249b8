// What stands still on the plan: the floor, the light on it, and the walls in their lit colours. In metres.

import { rgb } from './colours.js';
import { visible } from './rays.js';

const PAINT = 0.07; // the breadth of a wall's colour, in metres
const BODY = 0.2; // how far walls reach behind their colour
const REACH = 9; // the range of a light that is drawn

const stills = new WeakMap(); // what is worked out once a map

function stillOf(plan) {
  if (!stills.has(plan)) {
    const free = new Path2D();
    for (const ring of rings(plan.walls)) {
      ring.forEach(([x, y], i) => (i ? free.lineTo(x, y) : free.moveTo(x, y)));
      free.closePath();
    }
    stills.set(plan, { free, lamps: lampsOf(plan), thin: thinWalls(plan.walls) });
  }
  return stills.get(plan);
}

const cornerOf = (walls, i) => `${Math.round(walls[i] * 1000)},${Math.round(walls[i + 1] * 1000)}`;

/** The walls chained to closed rings. However they are chained, they wind once around free space. */
function rings(walls) {
  const starts = new Map();
  for (let i = 0; i < walls.length; i += 4) {
    const corner = cornerOf(walls, i);
    if (!starts.has(corner)) starts.set(corner, []);
    starts.get(corner).push(i);
  }
  const found = [];
  for (let i = 0; i < walls.length; i += 4) {
    const ring = [];
    let options = starts.get(cornerOf(walls, i));
    while (options?.length) {
      const wall = options.pop();
      ring.push([walls[wall], walls[wall + 1]]);
      options = starts.get(cornerOf(walls, wall + 2));
    }
    if (ring.length > 2) found.push(ring);
  }
  return found;
}

function lampsOf({ walls, lights }) {
  const lamps = [];
  for (let i = 0; i < lights.length; i += 3) {
    const [x, y, intensity] = [lights[i], lights[i + 1], lights[i + 2]];
    const corners = visible(walls, x, y, REACH);
    const region = new Path2D();
    for (let j = 0; j < corners.length; j += 2) region.lineTo(corners[j], corners[j + 1]);
    region.closePath();
    lamps.push({ x, y, intensity, region });
  }
  return lamps;
}

/** Which walls are seen from both sides: their colours are drawn side by side. */
function thinWalls(walls) {
  const known = new Set();
  for (let i = 0; i < walls.length; i += 4) known.add(`${cornerOf(walls, i)} ${cornerOf(walls, i + 2)}`);
  const thin = new Uint8Array(walls.length / 4);
  for (let i = 0; i < walls.length; i += 4) {
    thin[i / 4] = known.has(`${cornerOf(walls, i + 2)} ${cornerOf(walls, i)}`) ? 1 : 0;
  }
  return thin;
}

/** Draws a map in a context whose unit is the metre. */
export function drawStill(context, plan, theme, pixel) {
  const { free, lamps, thin } = stillOf(plan);
  context.lineJoin = 'miter';
  context.miterLimit = 4;
  context.strokeStyle = theme.body;
  context.lineWidth = 2 * BODY;
  context.stroke(free);
  context.fillStyle = theme.shade;
  context.fill(free, 'nonzero');
  context.save();
  context.clip(free, 'nonzero');
  for (const lamp of lamps) drawLight(context, lamp, theme);
  context.restore();
  drawDoors(context, plan, theme, pixel);
  drawPaint(context, plan, thin, pixel);
  for (const { x, y } of lamps) drawLamp(context, x, y, theme);
}

function drawLight(context, { x, y, intensity, region }, theme) {
  const glow = context.createRadialGradient(x, y, 0, x, y, REACH);
  for (let i = 0; i <= 24; i++) {
    const share = (i / 24) ** 2;
    const light = Math.min(1, (2 * intensity) / Math.max((share * REACH) ** 2, 1));
    glow.addColorStop(share, `rgb(${theme.lit} / ${(0.75 * light * (1 - share) ** 2).toFixed(3)})`);
  }
  context.fillStyle = glow;
  context.fill(region);
}

function drawLamp(context, x, y, theme) {
  for (const [radius, alpha] of [[0.1, 0.14], [0.035, 0.9]]) {
    context.fillStyle = `rgb(${theme.lamp} / ${alpha})`;
    context.beginPath();
    context.arc(x, y, radius, 0, 2 * Math.PI);
    context.fill();
  }
}

function drawDoors(context, plan, theme, pixel) {
  context.strokeStyle = theme.dash;
  context.lineWidth = 1.5 * pixel;
  context.setLineDash([5 * pixel, 4 * pixel]);
  for (const [[x, y], [endX, endY]] of plan.doors) {
    context.beginPath();
    context.moveTo(x, y);
    context.lineTo(endX, endY);
    context.stroke();
  }
  context.setLineDash([]);
}

/** Draws each wall in the colours of its texels, which run into one another as the renderer has them. */
function drawPaint(context, { walls, counts, firsts, colours }, thin, pixel) {
  const breadth = Math.max(PAINT, 2.2 * pixel);
  context.lineCap = 'round';
  for (let wall = 0; wall < counts.length; wall++) {
    let [x, y, endX, endY] = walls.subarray(4 * wall, 4 * wall + 4);
    const length = Math.hypot(endX - x, endY - y);
    if (thin[wall]) {
      const [offX, offY] = [(-(endY - y) / length) * breadth * 0.4, ((endX - x) / length) * breadth * 0.4];
      [x, y, endX, endY] = [x + offX, y + offY, endX + offX, endY + offY];
    }
    const paint = context.createLinearGradient(x, y, endX, endY);
    const every = Math.max(1, Math.floor((counts[wall] * pixel) / length)); // texels too small to be told apart
    for (let texel = 0; texel < counts[wall]; texel += every) {
      const at = 3 * (firsts[wall] + texel);
      paint.addColorStop((texel + 0.5) / counts[wall], rgb(colours[at], colours[at + 1], colours[at + 2]));
    }
    context.strokeStyle = paint;
    context.lineWidth = thin[wall] ? breadth * 0.8 : breadth;
    context.beginPath();
    context.moveTo(x, y);
    context.lineTo(endX, endY);
    context.stroke();
  }
}
