// Agents on the plan: their trails, what the chosen one sees, their bodies and which way they face. In metres.

import { faded, hueOf, rgb } from './colours.js';
import { cast, direction, eyeOf } from './rays.js';

const TRAIL = 80; // frames
const PARTS = 3; // rays a pixel that the edge of the cone is drawn by, and one

/** Draws where agents have come from: the episode faintly, its last frames more clearly. */
export function drawTrails(context, app, map, pixel) {
  const { track, clock, moment } = app;
  const { frame } = clock;
  const { first } = track.episode(frame);
  context.lineJoin = context.lineCap = 'round';
  for (let agent = 0; agent < track.agents; agent++) {
    const hue = hueOf(app, agent);
    const { x, y } = track.pose(agent, moment);
    const start = Math.max(first, frame - TRAIL);
    context.lineWidth = 1.2 * pixel;
    drawWay(context, track, agent, first, start, null, faded(hue, 0.16));
    context.lineWidth = 1.8 * pixel;
    for (let from = start; from < frame; from += 8) {
      const to = Math.min(from + 8, frame);
      const alpha = 0.16 + 0.6 * ((to - start) / TRAIL);
      drawWay(context, track, agent, from, to, to === frame ? [x, y] : null, faded(hue, alpha));
    }
    if (start === frame) drawWay(context, track, agent, frame, frame, [x, y], faded(hue, 0.7));
  }
}

function drawWay(context, track, agent, from, to, end, colour) {
  context.strokeStyle = colour;
  context.beginPath();
  let last = null;
  for (let frame = from; frame <= to; frame++) {
    const [x, y] = track.position(agent, frame);
    const leapt = last && Math.hypot(x - last[0], y - last[1]) > 1; // respawned
    if (!last || leapt) context.moveTo(x, y);
    else context.lineTo(x, y);
    last = [x, y];
  }
  if (end && last && Math.hypot(end[0] - last[0], end[1] - last[1]) < 1) context.lineTo(...end);
  context.stroke();
}

/** The discs that stop a ray, those of the agent whose it is left out. */
export function obstacles({ recording, track, clock, moment }, but) {
  const discs = [];
  for (let agent = 0; agent < track.agents; agent++) {
    if (agent !== but) discs.push({ ...track.pose(agent, moment), radius: recording.radius });
  }
  for (const { x, y, radius } of markersAt(track, clock.frame)) discs.push({ x, y, radius });
  return discs;
}

export function markersAt({ markers, stride }, frame) {
  if (!markers) return [];
  const count = markers.visible.shape[1];
  const at = (array, series) => array.values[series * stride + frame];
  return Array.from({ length: count }, (_, i) => i)
    .filter((i) => markers.visible.values[frame * count + i])
    .map((i) => ({
      x: at(markers.positions, 2 * i), y: at(markers.positions, 2 * i + 1), radius: at(markers.radii, i),
      colour: rgb(...[0, 1, 2].map((channel) => 255 * at(markers.colours, 3 * i + channel))),
    }));
}

/** Draws what the chosen agent sees: each pixel's part of the view, in that pixel's colour. */
export function drawCones(context, app, map, pixel) {
  const sights = app.sights;
  if (!sights) return;
  const pose = app.track.pose(app.agent, app.moment);
  const discs = obstacles(app, app.agent);
  for (const { kind, mount, rgb: pixels } of sights) {
    const eye = eyeOf(pose, mount);
    const ends = edge(app, map, eye, kind, discs);
    const row = 4 * app.clock.frame * kind.res;
    for (let i = 0; i < kind.res; i++) {
      const at = row + 4 * i;
      context.fillStyle = rgb(pixels[at], pixels[at + 1], pixels[at + 2], app.theme.dark ? 0.5 : 0.55);
      context.beginPath();
      context.moveTo(eye.x, eye.y);
      for (let j = 0; j <= PARTS; j++) context.lineTo(...ends[i * PARTS + j]);
      context.closePath();
      context.fill();
    }
    context.strokeStyle = faded(hueOf(app, app.agent), 0.35);
    context.lineWidth = pixel;
    context.beginPath();
    context.moveTo(...ends[0]);
    context.lineTo(eye.x, eye.y);
    context.lineTo(...ends[ends.length - 1]);
    context.stroke();
  }
}

/** The far edge of what a camera sees, from left to right. */
function edge({ recording }, map, eye, kind, discs) {
  const count = kind.res * PARTS;
  return Array.from({ length: count + 1 }, (_, i) => {
    const [dx, dy] = direction(eye, kind.fov, i / count);
    const { distance } = cast(map.walls, discs, eye.x, eye.y, dx, dy, recording.radius, kind.maxDepth);
    return [eye.x + distance * dx, eye.y + distance * dy];
  });
}

/** Draws the agents' outlines as they are seen, and darts that show where they face. */
export function drawAgents(context, app, map, pixel) {
  const { recording, track, moment } = app;
  for (let agent = 0; agent < track.agents; agent++) {
    const { x, y, angle } = track.pose(agent, moment);
    const hue = hueOf(app, agent);
    context.save();
    context.translate(x, y);
    context.rotate((angle * Math.PI) / 180);
    drawBody(context, recording, pixel);
    const size = Math.max(1, (9 * pixel) / 0.3); // never too small to be seen
    context.fillStyle = hue;
    context.beginPath();
    context.moveTo(0.36 * size, 0);
    context.lineTo(0.13 * size, 0.1 * size);
    context.lineTo(0.17 * size, 0);
    context.lineTo(0.13 * size, -0.1 * size);
    context.closePath();
    context.fill();
    context.lineWidth = (agent === app.agent ? 2.6 : 1.8) * pixel;
    context.strokeStyle = hue;
    context.beginPath();
    context.arc(0, 0, Math.max(recording.radius + 0.02, 5 * pixel), 0, 2 * Math.PI);
    context.stroke();
    context.restore();
  }
}

function drawBody(context, { outline, radius }, pixel) {
  context.fillStyle = '#101318';
  context.beginPath();
  context.arc(0, 0, Math.max(radius + 0.02, 5 * pixel), 0, 2 * Math.PI);
  context.fill();
  const { sides, colours } = outline;
  for (let side = 0; side < sides.length / 4; side++) {
    const [x, y, endX, endY] = sides.subarray(4 * side, 4 * side + 4);
    context.fillStyle = rgb(...colours.subarray(3 * side, 3 * side + 3));
    context.beginPath();
    context.moveTo(0, 0);
    context.lineTo(x, y);
    context.lineTo(endX, endY);
    context.fill();
  }
}
