// The scene as the chosen agent sees it, drawn up from its pixels and their depth; below it the pixels themselves.

import { rgb } from './colours.js';

const TALL = 1.0; // walls' height, in metres
const EYE = 0.5; // the share of it that is below the eye

/** How far each pixel is ahead, in metres: along the camera's axis. */
function ahead({ kind, depth }, frame, radius) {
  const slope = Math.tan((kind.fov * Math.PI) / 360);
  return Array.from({ length: kind.res }, (_, i) => {
    const share = depth[4 * (frame * kind.res + i)] / 255;
    const aside = ((kind.res - 2 * i - 1) / kind.res) * slope;
    return share === 0 ? Infinity : (radius + (1 - share) * kind.maxDepth) / Math.hypot(1, aside);
  });
}

/** Writes a sight's name into the lower right corner of its picture, where there are several and there is room. */
export function writeName(app, context, { name }, right, bottom, width) {
  const { theme } = app;
  context.font = `${0.82 * theme.size}px ${theme.font}`;
  if (app.sights.length < 2 || context.measureText(name).width > width - 12) return;
  context.save();
  Object.assign(context, { textAlign: 'right', textBaseline: 'bottom', fillStyle: '#fff', shadowColor: '#000', shadowBlur: 4 });
  for (let i = 0; i < 2; i++) context.fillText(name, right - 6, bottom - 4); // twice, for its shadow to be dark enough
  context.restore();
}

export class Scene {
  constructor(app, panel) {
    Object.assign(this, { app, panel });
  }

  draw() {
    const { app, panel } = this;
    const { context, width, height, ratio } = panel;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.fillStyle = app.theme.panel;
    context.fillRect(0, 0, width, height);
    if (!app.sights) return;
    const total = app.sights.reduce((sum, sight) => sum + sight.kind.res, 0);
    let left = 0;
    for (const sight of app.sights) {
      const gap = left ? 3 : 0;
      const right = left + (width * sight.kind.res) / total;
      this.drawSight(sight, left + gap, right - left - gap, height);
      writeName(app, context, sight, right, height, right - left - gap);
      left = right;
    }
  }

  drawSight(sight, left, width, height) {
    const { context } = this.panel;
    const { theme, clock, recording } = this.app;
    const sky = context.createLinearGradient(0, 0, 0, height * EYE);
    sky.addColorStop(0, theme['ceiling-top']);
    sky.addColorStop(1, theme.ceiling);
    context.fillStyle = sky;
    context.fillRect(left, 0, width, height);
    const ground = context.createLinearGradient(0, height * EYE, 0, height);
    ground.addColorStop(0, theme.floor);
    ground.addColorStop(1, theme['floor-near']);
    context.fillStyle = ground;
    context.fillRect(left, height * EYE, width, height);
    const distances = ahead(sight, clock.frame, recording.radius);
    const sizes = distances.map((distance) => (0.9 * height * TALL) / Math.max(distance, 0.05));
    for (let i = 0; i < sizes.length; i++) this.drawPixel(sight, i, sizes, left, width, height);
  }

  /** A pixel's upright part: its upper and lower ends run on to its neighbours', unless these are further or nearer. */
  drawPixel({ kind, rgb: pixels }, i, sizes, left, width, height) {
    if (!sizes[i]) return;
    const { context } = this.panel;
    const joined = (j) => (j >= 0 && j < sizes.length && Math.abs(sizes[j] - sizes[i]) < 0.16 * sizes[i] ? (sizes[j] + sizes[i]) / 2 : null);
    let [start, end] = [joined(i - 1), joined(i + 1)];
    start ??= end === null ? sizes[i] : 2 * sizes[i] - end;
    end ??= 2 * sizes[i] - start;
    const at = 4 * (this.app.clock.frame * kind.res + i);
    const [x, right] = [left + (width * i) / kind.res, left + (width * (i + 1)) / kind.res + 0.6];
    const horizon = height * EYE;
    context.fillStyle = rgb(pixels[at], pixels[at + 1], pixels[at + 2]);
    context.beginPath();
    context.moveTo(x, horizon - start * EYE);
    context.lineTo(right, horizon - end * EYE);
    context.lineTo(right, horizon + end * EYE);
    context.lineTo(x, horizon + start * EYE);
    context.fill();
  }
}

/** The pixels themselves, one beside the other. */
export class Strip {
  constructor(app, panel) {
    Object.assign(this, { app, panel });
  }

  draw() {
    const { app, panel } = this;
    const { context, canvas } = panel;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.fillStyle = app.theme.panel;
    context.fillRect(0, 0, canvas.width, canvas.height);
    if (!app.sights) return;
    const total = app.sights.reduce((sum, sight) => sum + sight.kind.res, 0);
    let before = 0;
    for (const { kind, rgb: pixels } of app.sights) {
      for (let i = 0; i < kind.res; i++) {
        const at = 4 * (app.clock.frame * kind.res + i);
        const [left, right] = [before + i, before + i + 1].map((each) => Math.round((each * canvas.width) / total));
        context.fillStyle = rgb(pixels[at], pixels[at + 1], pixels[at + 2]);
        context.fillRect(left, 0, right - left, canvas.height);
      }
      before += kind.res;
    }
  }
}
