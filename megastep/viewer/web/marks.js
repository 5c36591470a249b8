// Marks on the sheet: doors, what is chosen, what is being drawn, and the places of what is wrong. In metres.

import { faded } from './colours.js';
import { apart, middleOf } from './shapes.js';

const JAMB = 0.12; // how far a jamb's tick reaches to each side, in metres

/** Draws doors: a dashed line, and a tick at each jamb. */
export function drawOpenings(context, doors, pixel, colour) {
  for (const [start, end] of doors) {
    const length = apart(start, end);
    const [x, y] = [(-(end[1] - start[1]) / length) * JAMB, ((end[0] - start[0]) / length) * JAMB];
    context.strokeStyle = colour;
    context.lineCap = 'round';
    context.lineWidth = 2 * pixel;
    context.setLineDash([5 * pixel, 5 * pixel]);
    drawLines(context, [[start, end]]);
    context.setLineDash([]);
    context.lineWidth = 2.5 * pixel;
    drawLines(context, [start, end].map(([jambX, jambY]) => [[jambX - x, jambY - y], [jambX + x, jambY + y]]));
  }
}

function drawLines(context, lines) {
  context.beginPath();
  for (const [start, end] of lines) {
    context.moveTo(...start);
    context.lineTo(...end);
  }
  context.stroke();
}

function ringPath(context, outline) {
  context.beginPath();
  for (const corner of outline) context.lineTo(...corner);
  context.closePath();
}

function drawKnob(context, [x, y], radius, pixel, theme) {
  context.fillStyle = theme.ground;
  context.strokeStyle = theme.accent;
  context.lineWidth = 2 * pixel;
  context.beginPath();
  context.arc(x, y, radius * pixel, 0, 2 * Math.PI);
  context.fill();
  context.stroke();
}

const CHOSEN = {
  corners: (context, point, pixel, theme) => drawKnob(context, point, 6.5, pixel, theme),
  walls(context, wall, pixel, theme) {
    context.lineWidth = 3.5 * pixel;
    drawLines(context, [wall]);
    for (const end of wall) drawKnob(context, end, 4.5, pixel, theme);
  },
  doors: (context, door, pixel, theme) => drawOpenings(context, [door], 1.5 * pixel, theme.accent),
  rooms(context, { outline }, pixel, theme) {
    ringPath(context, outline);
    context.fillStyle = faded(theme.accent, 0.1);
    context.fill();
    context.setLineDash([6 * pixel, 5 * pixel]);
    context.lineWidth = 2 * pixel;
    context.stroke();
    context.setLineDash([]);
  },
  lights: drawRing, spawns: drawRing,
};

function drawRing(context, [x, y], pixel) {
  context.lineWidth = 2 * pixel;
  context.beginPath();
  context.arc(x, y, Math.max(0.24, 15 * pixel), 0, 2 * Math.PI);
  context.stroke();
}

/** Draws what is chosen, and what the pointer is at. */
export function drawChosen(context, { hovered, chosen, theme }, sketch, pixel) {
  for (const [thing, alpha] of [[hovered, 0.55], [chosen, 1]]) {
    const shape = thing && (thing.sort === 'corners' ? thing.point : sketch[thing.sort][thing.i]);
    if (!shape) continue;
    context.globalAlpha = alpha;
    context.strokeStyle = theme.accent;
    context.lineCap = 'round';
    CHOSEN[thing.sort](context, shape, pixel, theme);
  }
}

/** Draws what would be there if the pointer were pressed, or let go. */
export function drawGhost(context, { ghost, theme }, sketch, pixel) {
  if (!ghost) return;
  context.strokeStyle = ghost.bad ? theme.bad : theme.accent;
  context.lineCap = context.lineJoin = 'round';
  for (const outline of ghost.rings ?? []) {
    ringPath(context, outline);
    context.fillStyle = faded(theme.accent, 0.12);
    context.fill();
    context.lineWidth = 2.5 * pixel;
    context.stroke();
  }
  context.lineWidth = 3 * pixel;
  drawLines(context, ghost.lines ?? []);
  drawOpenings(context, ghost.doors ?? [], pixel, theme.accent);
  for (const [x, y] of ghost.guides ?? []) drawGuide(context, x, y, pixel, theme);
  for (const point of ghost.points ?? []) drawKnob(context, point, ghost.meets ? 6 : 4, pixel, theme);
}

function drawGuide(context, x, y, pixel, theme) {
  const far = 1e4 * pixel;
  context.save();
  context.strokeStyle = theme.accent;
  context.globalAlpha = 0.25;
  context.lineWidth = pixel;
  drawLines(context, [[[x - far, y], [x + far, y]], [[x, y - far], [x, y + far]]]);
  context.restore();
}

/** Draws where something is wrong: rings around points, gaps as dashes, areas with stripes. */
export function drawFlaws(context, { flaws, pointed, theme }, sketch, pixel) {
  flaws.forEach(({ grave, points, lines, areas }, i) => {
    const colour = grave ? theme.bad : theme.accent;
    const strong = pointed === i || (pointed === null && grave);
    context.globalAlpha = strong ? 1 : 0.55;
    context.strokeStyle = colour;
    context.lineCap = 'round';
    for (const outline of areas) drawStripes(context, outline, colour, pixel);
    context.lineWidth = 2.5 * pixel;
    context.setLineDash([4 * pixel, 6 * pixel]);
    drawLines(context, lines);
    context.setLineDash([]);
    for (const [x, y] of points) {
      for (const [radius, alpha] of [[11, 1], [19, 0.35]]) {
        context.globalAlpha = (strong ? 1 : 0.55) * alpha;
        context.lineWidth = 2.2 * pixel;
        context.beginPath();
        context.arc(x, y, radius * pixel, 0, 2 * Math.PI);
        context.stroke();
      }
    }
  });
}

function drawStripes(context, outline, colour, pixel) {
  context.save();
  ringPath(context, outline);
  context.fillStyle = faded(colour, 0.07);
  context.fill();
  context.clip();
  context.lineWidth = pixel;
  context.strokeStyle = faded(colour, 0.5);
  const { x, y, width, height } = middleOf(outline);
  const [reach, gap] = [(width + height) / 2, 11 * pixel];
  const count = Math.min(400, Math.ceil((2 * reach) / gap));
  drawLines(context, Array.from({ length: count }, (_, i) => {
    const at = x - reach + i * gap;
    return [[at - height / 2, y - height / 2], [at + height / 2, y + height / 2]];
  }));
  context.restore();
}

/** The first of the places that a flaw is about. */
export function placeOf({ points, lines, areas }) {
  if (points.length) return points[0];
  if (lines.length) return [0, 1].map((axis) => (lines[0][0][axis] + lines[0][1][axis]) / 2);
  if (!areas.length) return null;
  const { x, y } = middleOf(areas[0]);
  return [x, y];
}

/** Draws the place that keys have moved to. */
export function drawCursor(context, { cursor, theme }, sketch, pixel) {
  if (!cursor) return;
  const [x, y] = cursor;
  context.strokeStyle = theme.ink;
  context.lineWidth = 1.5 * pixel;
  const [near, far] = [5 * pixel, 14 * pixel];
  drawLines(context, [[1, 0], [-1, 0], [0, 1], [0, -1]].map(([dx, dy]) => [
    [x + near * dx, y + near * dy], [x + far * dx, y + far * dy],
  ]));
}
