// The tools: what each does as the pointer goes down, moves and is let go, at places that are snapped to the lattice.

import { alongSegment, apart, middleOf, nearest, onSegment, within } from './shapes.js';
import { exact, moved, same, withMore, withRoom, withWall, without } from './sketch.js';
import { TEMPLATES, onLattice, roomOf, sizeOf } from './templates.js';

const NEAR = 11; // pixels within which a thing is meant
const DOOR = 0.9; // a door's width unless another is drawn, in metres

/** What is under a point: {sort, i}, or {sort: 'corners', point}; null if nothing is. */
export function thingAt(app, point, corners) {
  const sketch = app.history.now;
  const reach = (NEAR * app.theme.line) / app.sheet.view.scale;
  for (const sort of ['spawns', 'lights']) {
    const i = nearest(sketch[sort], (place) => apart(place, point), 1.3 * reach);
    if (i >= 0) return { sort, i };
  }
  const ends = sketch.walls.flat();
  const end = corners ? nearest(ends, (each) => apart(each, point), 0.8 * reach) : -1;
  if (end >= 0) return { sort: 'corners', point: ends[end] };
  for (const sort of ['doors', 'walls']) {
    const i = nearest(sketch[sort], ([start, stop]) => onSegment(start, stop, point), reach);
    if (i >= 0) return { sort, i };
  }
  const rooms = sketch.rooms.map(({ outline }, i) => ({ outline, i })).filter(({ outline }) => within(outline, ...point));
  const size = ({ outline }) => middleOf(outline).width * middleOf(outline).height;
  return rooms.length ? { sort: 'rooms', i: rooms.sort((a, b) => size(a) - size(b))[0].i } : null;
}

/** A place as tools take it: where it is, and where it is snapped to: an end of a wall that is near, or the lattice. */
export function snapped(app, raw, straight = false) {
  const { step, history, sheet, start } = app;
  const ends = history.now.walls.flat();
  const end = nearest(ends, (each) => apart(each, raw), (NEAR * app.theme.line) / sheet.view.scale);
  if (end >= 0) return { raw, at: ends[end], meets: true };
  let at = raw.map((metres) => exact(Math.round(metres / step) * step));
  if (straight && start) at = straightened(start, raw, step);
  return { raw, at, meets: history.now.walls.some(([a, b]) => onSegment(a, b, at) < 1e-6) };
}

/** The place on the nearest of eight directions from another. */
function straightened([x, y], raw, step) {
  const turn = (Math.round(Math.atan2(raw[1] - y, raw[0] - x) / (Math.PI / 4)) * Math.PI) / 4;
  const [dx, dy] = [Math.round(Math.cos(turn)), Math.round(Math.sin(turn))];
  const along = Math.round((((raw[0] - x) * dx + (raw[1] - y) * dy) / (dx * dx + dy * dy)) / step) * step;
  return [exact(x + along * dx), exact(y + along * dy)];
}

const select = {
  hover: (app, { raw }) => (app.hovered = thingAt(app, raw, true)),
  down(app, { raw, at }) {
    app.chosen = thingAt(app, raw, true);
    app.start = at;
  },
  drag(app, { at }) {
    if (!app.chosen || same(at, app.start)) return (app.preview = null);
    const by = [at[0] - app.start[0], at[1] - app.start[1]];
    app.hovered = null;
    return (app.preview = moved(app.history.now, app.chosen, by));
  },
  up(app, { at }) {
    if (app.preview && app.chosen.sort === 'corners') {
      const [x, y] = [at[0] - app.start[0], at[1] - app.start[1]];
      app.chosen = { sort: 'corners', point: [exact(app.chosen.point[0] + x), exact(app.chosen.point[1] + y)] };
    }
    if (app.preview) app.change(app.preview);
    app.start = null;
  },
};

const wall = {
  hover(app, place) {
    const { start } = app;
    app.ghost = { points: start ? [start, place.at] : [place.at], guides: [place.at], meets: place.meets };
    if (start) Object.assign(app.ghost, { lines: [[start, place.at]], words: `${apart(start, place.at).toFixed(2)} m`, at: place.at });
  },
  down(app, place) {
    app.pressed = !app.start;
    if (app.start) return this.add(app, place);
    return (app.start = place.at);
  },
  drag(app, place) {
    this.hover(app, place);
  },
  up(app, place) {
    if (app.pressed && app.start && !same(app.start, place.at)) {
      this.add(app, place);
      app.start = null;
    }
    app.pressed = false;
    this.hover(app, place);
  },
  /** Adds a wall; the next begins where it ends, unless it ends at a wall, or where it began. */
  add(app, { at, meets }) {
    const ends = same(app.start, at) || meets;
    app.change(withWall(app.history.now, app.start, at));
    app.start = ends ? null : at;
  },
};

const room = {
  box(app, { at }) {
    const { start, template, turns } = app;
    const [width, height] = sizeOf(TEMPLATES[template], turns);
    if (!start || same(start, at)) return [at[0], at[1] - height, at[0] + width, at[1]].map(onLattice);
    const [xs, ys] = [[start[0], at[0]].sort((a, b) => a - b), [start[1], at[1]].sort((a, b) => a - b)];
    return [xs[0], ys[0], xs[1], ys[1]];
  },
  hover(app, place) {
    const box = this.box(app, place);
    const made = roomOf(TEMPLATES[app.template], box, app.turns);
    const [width, height] = [box[2] - box[0], box[3] - box[1]];
    const name = `${made.kind.replaceAll('_', ' ')}, ${width.toFixed(2)} × ${height.toFixed(2)} m`;
    app.ghost = { rings: [made.outline, ...made.posts], points: [place.at], words: name, at: [box[2], box[3]], made, flat: !width || !height };
  },
  down: (app, { at }) => (app.start = at),
  drag(app, place) {
    this.hover(app, place);
  },
  up(app, place) {
    this.hover(app, place);
    if (!app.ghost.flat) app.change(withRoom(app.history.now, app.ghost.made));
    app.start = null;
  },
};

const door = {
  /** The door at a place: on the nearest wall, of the usual width, or from where the pointer went down. */
  at(app, raw) {
    const { walls } = app.history.now;
    const i = app.anchor?.i ?? nearest(walls, ([start, end]) => onSegment(start, end, raw), (2 * NEAR * app.theme.line) / app.sheet.view.scale);
    if (i < 0) return null;
    const [start] = walls[i];
    const { along, length, ux, uy } = alongSegment(...walls[i], raw);
    const step = (metres) => Math.round(metres / app.step) * app.step;
    const middle = Math.max(Math.min(DOOR, length) / 2, Math.min(along, length - Math.min(DOOR, length) / 2));
    let [from, to] = [onLattice(middle - DOOR / 2), onLattice(middle + DOOR / 2)];
    if (app.anchor && Math.abs(along - app.anchor.along) > app.step / 2) [from, to] = [step(app.anchor.along), step(along)].sort((a, b) => a - b);
    [from, to] = [Math.max(0, from), Math.min(length, to)];
    const point = (metres) => [exact(start[0] + metres * ux), exact(start[1] + metres * uy)];
    return to - from < 1e-6 ? null : { i, along, door: [point(from), point(to)], width: to - from };
  },
  hover(app, { raw }) {
    const found = this.at(app, raw);
    app.ghost = found ? { doors: [found.door], words: `door, ${found.width.toFixed(2)} m`, at: found.door[1] } : null;
  },
  down(app, { raw }) {
    app.anchor = this.at(app, raw);
  },
  drag(app, place) {
    this.hover(app, place);
  },
  up(app, { raw }) {
    const found = app.anchor && this.at(app, raw);
    if (found) app.change(withMore(app.history.now, 'doors', found.door));
    Object.assign(app, { anchor: null, ghost: null });
  },
};

/** A tool that puts something down by a click. */
const putting = (sort, thing) => ({
  hover: (app, { at }) => (app.ghost = { points: [at] }),
  down: (app, { at }) => app.change(withMore(app.history.now, sort, thing(at))),
  drag: () => null,
  up: () => null,
});

const erase = {
  hover: (app, { raw }) => (app.hovered = thingAt(app, raw, false)),
  down(app, { raw }) {
    const thing = thingAt(app, raw, false);
    if (thing) app.change(without(app.history.now, thing));
    app.hovered = null;
  },
  drag(app, place) {
    const thing = thingAt(app, place.raw, false);
    if (thing && thing.sort !== 'rooms') this.down(app, place);
  },
  up: () => null,
};

export const TOOLS = [
  { name: 'select', key: 'v', does: select, hint: 'Click what is drawn to choose it, and drag it elsewhere: a wall’s end, a wall, a room. Delete takes it away. [ and ] dim and brighten a light.', icon: 'M5 3l10 7-4.6.9L8 16z' },
  { name: 'wall', key: 'w', does: wall, hint: 'Drag a wall, or click from corner to corner; it ends where it meets another, or by Escape. Shift keeps it straight.', icon: 'M4 16L10 6l7 3M4 16h0M10 6h0M17 9h0' },
  { name: 'room', key: 'r', does: room, hint: 'Click to put down the room that is chosen above, or drag one of another size. Q turns it.', icon: 'M7.5 16H4V4h12v12h-3.5' },
  { name: 'door', key: 'd', does: door, hint: 'Click a wall to open a door in it, or drag along the wall as far as it is to be open.', icon: 'M2 15.5h4.5M13.5 15.5H18M6.5 15.5V6.5a8.5 8.5 0 0 1 7 9' },
  { name: 'light', key: 'l', does: putting('lights', (at) => [...at, 1]), hint: 'Click to hang up a light. Without any, each room has one.', icon: 'M10 7a3 3 0 1 1 0 6 3 3 0 0 1 0-6M10 2.5v1.6M10 15.9v1.6M2.5 10h1.6M15.9 10h1.6M4.7 4.7l1.1 1.1M14.2 14.2l1.1 1.1M4.7 15.3l1.1-1.1M14.2 5.8l1.1-1.1' },
  { name: 'spawn', key: 's', does: putting('spawns', (at) => at), hint: 'Click where agents may start. Without any, they may start everywhere.', icon: 'M10 4.5a5.5 5.5 0 1 1 0 11 5.5 5.5 0 0 1 0-11M10 9.6a.5.5 0 1 1 0 .9.5.5 0 0 1 0-.9' },
  { name: 'erase', key: 'e', does: erase, hint: 'Click or sweep over what is to go.', icon: 'M8 16h9M4 11.5L11 4l5 4.8L9.5 16H7z' },
];
