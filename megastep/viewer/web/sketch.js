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

/** The sketch without a thing; without a room's walls too, those that are no other room's. */
export function without(sketch, { sort, i, point }) {
  if (sort === 'corners') return { ...sketch, walls: sketch.walls.filter((wall) => !wall.some((end) => same(end, point))) };
  const made = { ...sketch, [sort]: sketch[sort].filter((_, number) => number !== i) };
  if (sort !== 'rooms') return made;
  const own = ([start, end], { outline }) => onOutline(outline, [(start[0] + end[0]) / 2, (start[1] + end[1]) / 2], TINY);
  const { outline } = sketch.rooms[i];
  const goes = (wall) => (own(wall, sketch.rooms[i]) || wall.every((end) => within(outline, ...end))) && !made.rooms.some((room) => own(wall, room));
  return {
    ...made,
    walls: made.walls.filter((wall) => !goes(wall)),
    doors: made.doors.filter((door) => !goes(door)),
  };
}

/** Which points move along when a thing is moved: a test of points. */
export function grip(sketch, { sort, i, point }) {
  if (sort === 'corners') return (each) => same(each, point);
  if (sort === 'walls') {
    const [start, end] = sketch.walls[i];
    const jambs = sketch.doors.filter((door) => door.every((jamb) => onSegment(start, end, jamb) < TINY)).flat();
    return (each) => [start, end, ...jambs].some((other) => same(each, other));
  }
  if (sort === 'rooms') {
    const { outline } = sketch.rooms[i];
    return (each) => within(outline, ...each) || onOutline(outline, each, TINY);
  }
  const ends = sort === 'doors' ? sketch.doors[i] : [sketch[sort][i].slice(0, 2)];
  return (each, of) => of === sort && ends.some((other) => same(each, other));
}

/** The sketch with the points in a grip moved. */
export function movedBy(sketch, holds, [dx, dy]) {
  const move = (of) => (point) => (holds(point, of) ? [exact(point[0] + dx), exact(point[1] + dy), ...point.slice(2)] : point);
  const walls = sketch.walls.map((wall) => wall.map(move('walls'))).filter(([start, end]) => !same(start, end));
  return {
    walls,
    doors: sketch.doors.map((door) => door.map(move('doors'))),
    lights: sketch.lights.map(move('lights')),
    spawns: sketch.spawns.map(move('spawns')),
    rooms: sketch.rooms.map(({ kind, outline }) => ({ kind, outline: outline.map(move('rooms')) })),
  };
}

/** The least and greatest coordinates of what is drawn; none if nothing is. */
export function boundsOf({ walls, doors, lights, spawns }) {
  const points = [...walls.flat(), ...doors.flat(), ...lights, ...spawns];
  if (!points.length) return null;
  const [xs, ys] = [points.map(([x]) => x), points.map(([, y]) => y)];
  return { left: Math.min(...xs), right: Math.max(...xs), bottom: Math.min(...ys), top: Math.max(...ys) };
}
