// What the task has drawn: goals and other points, shots, shares such as health, discs; markers, and shortest paths.

import { markersAt } from './agents.js';
import { faded, hueOf, rgb } from './colours.js';

const POINT = 0.2; // metres from a point's middle to its corners
const RING = 0.19; // radius of the ring that shows a share

/** One number of an overlay's array at a frame. */
const at = (array, series, stride, frame) => array.values[series * stride + frame];

function colourOf(overlay, number, app) {
  const { track, clock } = app;
  if (!overlay.colours) return hueOf(app, number);
  return rgb(...[0, 1, 2].map((i) => 255 * at(overlay.colours, 3 * number + i, track.stride, clock.frame)));
}

/** Draws the shortest path of each agent's episode. */
export function drawPaths(context, { track, clock, theme }, map, pixel) {
  const now = track.paths.filter(({ first, last }) => first <= clock.frame && clock.frame <= last);
  context.strokeStyle = theme.goal;
  context.lineWidth = 1.6 * pixel;
  context.setLineDash([2 * pixel, 5 * pixel]);
  context.lineCap = context.lineJoin = 'round';
  for (const { points } of now) {
    context.beginPath();
    points.forEach(([x, y], i) => (i ? context.lineTo(x, y) : context.moveTo(x, y)));
    context.stroke();
    context.beginPath();
    context.arc(...points[0], 3 * pixel, 0, 2 * Math.PI);
    context.fillStyle = theme.goal;
    context.fill();
  }
}

export function drawMarkers(context, { track, clock }) {
  for (const { x, y, radius, colour } of markersAt(track, clock.frame)) drawDisc(context, x, y, radius, colour);
}

function drawDisc(context, x, y, radius, colour) {
  context.fillStyle = colour;
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fill();
}

const DRAW = { points: drawPoints, segments: drawSegments, shares: drawShares, discs: drawDiscs };

export function drawOverlays(context, app, map, pixel) {
  for (const overlay of app.track.overlays) DRAW[overlay.kind]?.(context, overlay, app, pixel);
}

function drawPoints(context, overlay, app, pixel) {
  const { stride } = app.track;
  const size = Math.max(POINT, 7 * pixel);
  for (let i = 0; i < overlay.positions.shape[1]; i++) {
    const [x, y] = [0, 1].map((axis) => at(overlay.positions, 2 * i + axis, stride, app.clock.frame));
    const alone = !overlay.colours && overlay.positions.shape[1] === 1;
    const colour = alone ? app.theme.goal : colourOf(overlay, i, app);
    context.strokeStyle = context.fillStyle = colour;
    context.lineWidth = 2 * pixel;
    for (const [share, paint] of [[1, 'stroke'], [0.42, 'fill']]) {
      context.beginPath();
      for (const [dx, dy] of [[1, 0], [0, 1], [-1, 0], [0, -1]]) context.lineTo(x + dx * size * share, y + dy * size * share);
      context.closePath();
      context[paint]();
    }
  }
}

function drawSegments(context, overlay, app, pixel) {
  const { stride } = app.track;
  for (let i = 0; i < overlay.ends.shape[1]; i++) {
    const ends = [0, 1, 2, 3].map((each) => at(overlay.ends, 4 * i + each, stride, app.clock.frame));
    if (ends.some(Number.isNaN)) continue;
    const colour = colourOf(overlay, i, app);
    for (const [breadth, alpha] of [[6, 0.25], [2, 1]]) {
      context.strokeStyle = colour;
      context.globalAlpha = alpha;
      context.lineWidth = breadth * pixel;
      context.beginPath();
      context.moveTo(ends[0], ends[1]);
      context.lineTo(ends[2], ends[3]);
      context.stroke();
    }
  }
  context.globalAlpha = 1;
}

/** A ring around each agent as long as its share, and a flash where a share has just fallen: a wound. */
function drawShares(context, overlay, app, pixel) {
  const { track, clock, moment, theme } = app;
  const place = app.track.overlays.filter(({ kind }) => kind === 'shares').indexOf(overlay);
  const radius = Math.max(RING + 0.07 * place, (9 + 4 * place) * pixel);
  for (let agent = 0; agent < track.agents; agent++) {
    const { x, y } = track.pose(agent, moment);
    const share = at(overlay.values, agent, track.stride, clock.frame);
    const before = clock.frame && !track.begins(clock.frame) ? at(overlay.values, agent, track.stride, clock.frame - 1) : share;
    context.lineWidth = 3 * pixel;
    context.strokeStyle = faded(hueOf(app, agent), 0.18);
    context.beginPath();
    context.arc(x, y, radius, 0, 2 * Math.PI);
    context.stroke();
    context.strokeStyle = hueOf(app, agent);
    context.beginPath();
    context.arc(x, y, radius, Math.PI / 2, Math.PI / 2 + 2 * Math.PI * share);
    context.stroke();
    if (share < before - 1e-3) {
      context.strokeStyle = theme.bad;
      context.lineWidth = 2.5 * pixel;
      context.beginPath();
      context.arc(x, y, radius + 6 * pixel, 0, 2 * Math.PI);
      context.stroke();
    }
  }
}

function drawDiscs(context, overlay, app) {
  const { stride } = app.track;
  for (let i = 0; i < overlay.positions.shape[1]; i++) {
    const [x, y] = [0, 1].map((axis) => at(overlay.positions, 2 * i + axis, stride, app.clock.frame));
    const radius = at(overlay.radii, i, stride, app.clock.frame);
    if (radius > 0) drawDisc(context, x, y, radius, colourOf(overlay, i, app));
  }
}
