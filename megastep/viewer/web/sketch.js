// A sketch: what is drawn, in plain lists that are never changed in place, what can be done to it, and its history.

import { apart, onOutline, onSegment, within } from './shapes.js';

const TINY = 1e-6; // metres within which places are the same
const MOST = 500; // states that are kept

export const exact = (metres) => Math.round(metres * 1e6) / 1e6;

export const same = ([x, y], [otherX, otherY]) => Math.abs(x - otherX) < TINY && Math.abs(y - otherY) < TINY;

/** The states that a sketch went through, and which is shown. */
export class History {
  constructor(sketch) {
    Object.assign(this, { states: [sketch], at: 0 });
  }

  get now() {
    return this.states[this.at];
  }

  add(sketch) {
    this.states = [...this.states.slice(0, this.at + 1), sketch].slice(-MOST);
    this.at = this.states.length - 1;
  }

  go(by) {
    const to = Math.max(0, Math.min(this.at + by, this.states.length - 1));
    const moved = to !== this.at;
    this.at = to;
    return moved;
  }
}

/** The parts of a segment that no wall covers yet. */
function uncovered([start, end], walls) {
  const length = apart(start, end);
  if (length < TINY) return [];
  const [ux, uy] = [(end[0] - start[0]) / length, (end[1] - start[1]) / length];
  const along = ([x, y]) => (x - start[0]) * ux + (y - start[1]) * uy;
  const beside = ([x, y]) => Math.abs((x - start[0]) * uy - (y - start[1]) * ux);
  let parts = [[0, length]];
  for (const wall of walls) {
    if (wall.some((point) => beside(point) > TINY)) continue;
    const [from, to] = wall.map(along).sort((a, b) => a - b);
    parts = parts.flatMap(([left, right]) => [[left, Math.min(right, from)], [Math.max(left, to), right]])
      .filter(([left, right]) => right - left > TINY);
  }
  const point = (metres) => [exact(start[0] + metres * ux), exact(start[1] + metres * uy)];
  return parts.map(([left, right]) => [left === 0 ? start : point(left), right === length ? end : point(right)]);
}

/** The sketch with a wall more, as far as there is none yet. */
export function withWall(sketch, start, end) {
  const parts = uncovered([start, end], sketch.walls);
  return parts.length ? { ...sketch, walls: [...sketch.walls, ...parts] } : sketch;
}

/** The sketch with a room more: its walls, its columns and its name. */
export function withRoom(sketch, { outline, posts, kind }) {
  let made = { ...sketch, rooms: [...sketch.rooms, { kind, outline }] };
  for (const ring of [outline, ...posts]) {
    ring.forEach((corner, i) => (made = withWall(made, corner, ring[(i + 1) % ring.length])));
  }
  return made;
}

export const withMore = (sketch, sort, thing) => ({ ...sketch, [sort]: [...sketch[sort], thing] });

export function replaced(sketch, { sort, i }, thing) {
  return { ...sketch, [sort]: sketch[sort].map((each, number) => (number === i ? thing : each)) };
}

/** Which walls, or doors, are a room's alone: on its outline or within it, and on the outline of no other. */
function ownTo(sketch, i) {
  const { outline } = sketch.rooms[i];
  const others = sketch.rooms.filter((_, number) => number !== i);
  return ([start, end]) => {
    const middle = [(start[0] + end[0]) / 2, (start[1] + end[1]) / 2];
    const its = onOutline(outline, middle, TINY) || [start, end].every((each) => within(outline, ...each));
    return its && !others.some((room) => onOutline(room.outline, middle, TINY));
  };
}

/** The sketch without a thing; without a room's walls too, those that are no other room's. */
export function without(sketch, { sort, i, point }) {
  if (sort === 'corners') return { ...sketch, walls: sketch.walls.filter((wall) => !wall.some((end) => same(end, point))) };
  const made = { ...sketch, [sort]: sketch[sort].filter((_, number) => number !== i) };
  if (sort !== 'rooms') return made;
  const own = ownTo(sketch, i);
  return { ...made, walls: made.walls.filter((wall) => !own(wall)), doors: made.doors.filter((door) => !own(door)) };
}

/** Which points move along when a thing is moved: a test of points. With a wall go the ends that lie on it. */
function grip(sketch, { sort, i, point }) {
  if (sort === 'corners') return (each) => same(each, point);
  if (sort === 'walls') return (each, of) => of !== 'lights' && of !== 'spawns' && onSegment(...sketch.walls[i], each) < TINY;
  const ends = sort === 'doors' ? sketch.doors[i] : [sketch[sort][i].slice(0, 2)];
  return (each, of) => of === sort && ends.some((other) => same(each, other));
}

const shift = ([x, y, ...rest], [dx, dy]) => [exact(x + dx), exact(y + dy), ...rest];

/** The sketch with a thing moved, and with what hangs on it. */
export function moved(sketch, thing, by) {
  if (thing.sort === 'rooms') return movedRoom(sketch, thing.i, by);
  const holds = grip(sketch, thing);
  const move = (of) => (point) => (holds(point, of) ? shift(point, by) : point);
  return {
    walls: sketch.walls.map((wall) => wall.map(move('walls'))).filter(([start, end]) => !same(start, end)),
    doors: sketch.doors.map((door) => door.map(move('doors'))),
    lights: sketch.lights.map(move('lights')),
    spawns: sketch.spawns.map(move('spawns')),
    rooms: sketch.rooms.map(({ kind, outline }) => ({ kind, outline: outline.map(move('rooms')) })),
  };
}

/** The sketch with a room moved and all that is its alone; of walls that it shares, it takes its part along. */
function movedRoom(sketch, i, by) {
  const { kind, outline } = sketch.rooms[i];
  const own = ownTo(sketch, i);
  const lines = (each) => (own(each) ? each.map((end) => shift(end, by)) : each);
  const places = (each) => (within(outline, ...each) ? shift(each, by) : each);
  const sides = outline.map((corner, j) => [corner, outline[(j + 1) % outline.length]]);
  const closed = sides.filter((side) => !uncovered(side, sketch.walls).length);
  let made = {
    walls: sketch.walls.map(lines), doors: sketch.doors.map(lines), lights: sketch.lights.map(places), spawns: sketch.spawns.map(places),
    rooms: sketch.rooms.map((room, number) => (number === i ? { kind, outline: outline.map((each) => shift(each, by)) } : room)),
  };
  for (const side of closed) made = withWall(made, ...side.map((end) => shift(end, by)));
  return made;
}

/** The least and greatest coordinates of what is drawn; none if nothing is. */
export function boundsOf({ walls, doors, lights, spawns }) {
  const points = [...walls.flat(), ...doors.flat(), ...lights, ...spawns];
  if (!points.length) return null;
  const [xs, ys] = [points.map(([x]) => x), points.map(([, y]) => y)];
  return { left: Math.min(...xs), right: Math.max(...xs), bottom: Math.min(...ys), top: Math.max(...ys) };
}
