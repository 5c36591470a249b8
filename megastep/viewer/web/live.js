// A track that grows while it is watched, as an env is driven.

import { bytesOf } from './archive.js';
import { Track, episodesOf } from './recording.js';

const CAPACITY = 1200; // frames that are kept

/** One env from now on: what a recorded track has, for the last frames. */
export class LiveTrack extends Track {
  constructor(track, cameras) {
    const { agents, env, values, overlays, markers } = track;
    super({ env, agents, cameras, paths: [], live: true, stride: CAPACITY, template: { values, overlays, markers } });
    this.clear();
  }

  clear() {
    const floats = (count) => new Float32Array(count * CAPACITY).fill(NaN);
    const like = (entry) => Object.fromEntries(Object.entries(entry).map(([name, array]) => {
      if (typeof array === 'string') return [name, array];
      const count = array.shape.slice(1).reduce((product, size) => product * size, 1);
      return [name, { shape: array.shape, values: floats(count) }];
    }));
    const { agents, template } = this;
    Object.assign(this, {
      frames: 0, positions: floats(2 * agents), angles: floats(agents), rewards: floats(agents), returns: floats(agents),
      mapIds: new Int32Array(CAPACITY), lengths: new Int32Array(CAPACITY), over: new Uint8Array(CAPACITY),
      terminated: new Uint8Array(CAPACITY), episodes: [], overlays: template.overlays.map(like),
      markers: template.markers && like(template.markers),
    });
    this.values = {};
    for (const [name, { shape }] of Object.entries(template.values)) this.addValue(name, shape.length > 1);
    this.seen = Array.from({ length: agents }, () => this.cameras.flatMap((kind) => kind.mounts.map((mount, number) => ({
      name: [kind.name, kind.mounts.length > 1 ? `camera ${number}` : ''].filter(Boolean).join(', '), kind, mount, number,
      rgb: new Uint8ClampedArray(CAPACITY * kind.res * 4), depth: new Uint8ClampedArray(CAPACITY * kind.res * 4),
    }))));
  }

  addValue(name, ofAgents) {
    const count = ofAgents ? this.agents : 1;
    const shape = ofAgents ? [CAPACITY, count] : [CAPACITY];
    this.values[name] = { name, shape, values: new Float32Array(count * CAPACITY).fill(NaN) };
    this.template.values[name] = { shape };
  }

  sights(agent) {
    return this.frames ? this.seen[agent] : null;
  }

  /** Adds the moment that a step has led to. When all room is taken, it begins anew. */
  push(moment) {
    if (this.frames === CAPACITY) this.clear();
    const frame = this.frames;
    const series = (array, numbers) => numbers.forEach((value, i) => (array[i * CAPACITY + frame] = value ?? NaN));
    series(this.positions, moment.positions);
    series(this.angles, moment.angles);
    for (const name of ['rewards', 'returns']) moment[name].forEach((value, i) => (this[name][frame * this.agents + i] = value ?? NaN));
    this.mapIds[frame] = moment.mapId;
    this.lengths[frame] = moment.length;
    this.over[frame] = moment.over;
    this.terminated[frame] = moment.terminated;
    for (const [name, numbers] of Object.entries(moment.values)) {
      if (!this.values[name]) this.addValue(name, numbers.length > 1);
      numbers.forEach((value, i) => (this.values[name].values[frame * numbers.length + i] = value ?? NaN));
    }
    moment.overlays.forEach((overlay, number) => {
      for (const [name, numbers] of Object.entries(overlay)) series(this.overlays[number][name].values, numbers);
    });
    for (const [name, numbers] of Object.entries(moment.markers)) {
      if (name === 'visible') this.markers.visible.values.set(numbers, frame * numbers.length);
      else series(this.markers[name].values, numbers);
    }
    this.look(moment, frame);
    this.frames += 1;
    this.episodes = episodesOf(this.lengths.subarray(0, this.frames));
  }

  look(moment, frame) {
    for (const kind of this.cameras) {
      const [rgb, depth] = [bytesOf(moment.rgb[kind.name]), bytesOf(moment.depth[kind.name])];
      for (let agent = 0; agent < this.agents; agent++) {
        for (const sight of this.seen[agent].filter((each) => each.kind === kind)) {
          const from = (agent * kind.mounts.length + sight.number) * kind.res;
          for (let i = 0; i < kind.res; i++) {
            const [at, to] = [from + i, 4 * (frame * kind.res + i)];
            sight.rgb.set([rgb[3 * at], rgb[3 * at + 1], rgb[3 * at + 2], 255], to);
            sight.depth.set([depth[at], depth[at], depth[at], 255], to);
          }
        }
      }
    }
  }
}
