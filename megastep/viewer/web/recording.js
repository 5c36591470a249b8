// A recording: what was kept of each env, and the maps, as the panels ask for it.

import { pixelsOf, unpack } from './archive.js';

export const VERSION = 1;

/** Reads a document. Throws, naming the versions, if its layout is another than this page's. */
export async function read(document) {
  if (document.version !== VERSION) {
    throw new Error(`This is a replay of version ${document.version}, and this page reads version ${VERSION}.`);
  }
  const arrays = await unpack(document.archive);
  const maps = {};
  for (const [number, plan] of Object.entries(document.maps)) maps[number] = floorplan(plan, arrays);
  const envs = document.envs.map((track) => Track.of(track, arrays, document.cameras));
  const outline = { sides: arrays[document.outline.sides].values, colours: arrays[document.outline.colours].values };
  return { ...document, maps, envs, outline };
}

/** A floorplan of a document, its arrays in the place of their numbers. */
export function floorplan(plan, arrays) {
  const walls = arrays[plan.walls].values;
  let [left, bottom, right, top] = [Infinity, Infinity, -Infinity, -Infinity];
  for (let i = 0; i < walls.length; i += 2) {
    left = Math.min(left, walls[i]);
    right = Math.max(right, walls[i]);
    bottom = Math.min(bottom, walls[i + 1]);
    top = Math.max(top, walls[i + 1]);
  }
  const counts = arrays[plan.counts].values;
  const firsts = new Int32Array(counts.length);
  for (let i = 1; i < counts.length; i++) firsts[i] = firsts[i - 1] + counts[i - 1];
  return {
    ...plan, walls, counts, firsts, colours: arrays[plan.colours].values, lights: arrays[plan.lights].values,
    bounds: { left, bottom, right, top },
  };
}

/** One env over time. */
export class Track {
  constructor(fields) {
    Object.assign(this, { decoded: new Map() }, fields);
  }

  /** A recorded one. Its series follow one another every `stride` numbers. */
  static of(track, arrays, cameras) {
    const made = new Track({ ...track, cameras, stride: track.frames });
    for (const name of ['mapIds', 'positions', 'angles', 'lengths', 'rewards', 'returns', 'over', 'terminated']) {
      made[name] = arrays[track[name]].values;
    }
    made.values = Object.fromEntries(
      Object.entries(track.values).map(([name, number]) => [name, { name, ...arrays[number] }]),
    );
    const resolved = (entry) => Object.fromEntries(
      Object.entries(entry).map(([name, value]) => [name, typeof value === 'number' ? arrays[value] : value]),
    );
    made.overlays = track.overlays.map(resolved);
    made.markers = track.markers && resolved(track.markers);
    made.episodes = episodesOf(made.lengths);
    return made;
  }

  position(agent, frame) {
    const at = 2 * agent * this.stride + frame;
    return [this.positions[at], this.positions[at + this.stride]];
  }

  /** Where an agent is, between frames too: straight on, unless it was put somewhere. */
  pose(agent, moment) {
    const frame = Math.min(Math.floor(moment), this.frames - 1);
    const share = moment - frame;
    const [x, y] = this.position(agent, frame);
    const angle = this.angles[agent * this.stride + frame];
    if (!share || this.begins(frame + 1)) return { x, y, angle };
    const [nextX, nextY] = this.position(agent, frame + 1);
    if (Math.hypot(nextX - x, nextY - y) > 1) return { x, y, angle };
    const turn = ((this.angles[agent * this.stride + frame + 1] - angle + 540) % 360) - 180;
    return { x: x + share * (nextX - x), y: y + share * (nextY - y), angle: angle + share * turn };
  }

  begins(frame) {
    return frame < this.frames && this.lengths[frame] <= (this.lengths[frame - 1] ?? -1);
  }

  episode(frame) {
    return this.episodes.findLast((each) => each.first <= frame);
  }

  /** A value of the env's at a frame: that of an agent, or the one there is for all. */
  value(name, agent, frame) {
    const { shape, values } = this.values[name];
    return shape.length > 1 ? values[frame * shape[1] + agent] : values[frame];
  }

  /** The pixels of an agent's cameras, once they are decoded; asks for them otherwise. */
  sights(agent, whenReady) {
    if (!this.decoded.has(agent)) {
      this.decoded.set(agent, null);
      this.decode(agent).then((sights) => {
        this.decoded.set(agent, sights);
        whenReady();
      });
    }
    return this.decoded.get(agent);
  }

  async decode(agent) {
    const sights = [];
    for (const kind of this.cameras) {
      for (const [number, mount] of kind.mounts.entries()) {
        const [rgb, depth] = await Promise.all(
          [this.rgb, this.depth].map((each) => pixelsOf(each[kind.name][agent][number], this.frames, kind.res)),
        );
        const name = [kind.name, kind.mounts.length > 1 ? `camera ${number}` : ''].filter(Boolean).join(', ');
        sights.push({ name, kind, mount, rgb, depth });
      }
    }
    return sights;
  }
}

export function episodesOf(lengths) {
  const episodes = [];
  for (let frame = 0; frame < lengths.length; frame++) {
    if (frame === 0 || lengths[frame] <= lengths[frame - 1]) episodes.push({ first: frame, last: frame });
    episodes[episodes.length - 1].last = frame;
  }
  return episodes;
}
