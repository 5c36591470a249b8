// Every row of pixels over time: the agent's whole life at a glance. And the same for depth.

import { writeName } from './scene.js';
import { Timeline } from './timeline.js';

export class Rows extends Timeline {
  constructor(app, panel, what) {
    super(app, panel);
    Object.assign(this, { what, pictures: new Map() });
  }

  draw() {
    const { app, panel } = this;
    this.begin();
    if (app.sights) {
      const { context, width, height } = panel;
      const each = height / app.sights.length;
      context.imageSmoothingQuality = 'high';
      app.sights.forEach((sight, i) => {
        for (const part of this.picture(sight)) {
          const [left, right] = [this.x(part.first), this.x(part.first + part.canvas.width)];
          context.drawImage(part.canvas, left, i * each, right - left, each - (i + 1 < app.sights.length ? 2 : 0));
        }
      });
      const high = each > 1.2 * app.theme.size;
      app.sights.forEach((sight, i) => high && writeName(app, context, sight, width, (i + 1) * each, width));
    }
    this.drawEpisodes();
    this.drawCursor();
  }

  /** The rows of a sight side by side, in pictures of at most 4,096 frames. */
  picture(sight) {
    if (!this.pictures.has(sight) || this.app.track.live) {
      const parts = [];
      const { frames } = this.app.track;
      for (let first = 0; first < frames; first += 4096) {
        parts.push({ first, canvas: turned(sight[this.what], sight.kind.res, first, Math.min(4096, frames - first)) });
      }
      this.pictures.set(sight, parts);
    }
    return this.pictures.get(sight);
  }
}

function turned(pixels, res, first, count) {
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [count, res];
  const context = canvas.getContext('2d');
  const image = context.createImageData(count, res);
  const [from, to] = [new Uint32Array(pixels.buffer), new Uint32Array(image.data.buffer)];
  for (let frame = 0; frame < count; frame++) {
    for (let i = 0; i < res; i++) to[i * count + frame] = from[(first + frame) * res + i];
  }
  context.putImageData(image, 0, 0);
  return canvas;
}
