// Charts along the axis of time: reward and return, and whatever the env says of itself.

import { faded, hueOf } from './colours.js';
import { Timeline } from './timeline.js';

/** The least and the greatest of some numbers, those that aren't finite left out. */
export function range(values) {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return [low, high];
}

export const shown = (value) => {
  if (value === undefined || Number.isNaN(value)) return '–';
  if (!Number.isFinite(value)) return String(value);
  return Number.isInteger(value) || Math.abs(value) >= 1000 ? Math.round(value).toLocaleString('en') : value.toFixed(2);
};

/** Reward as bars from zero, and each episode's return as a line. */
export class Rewards extends Timeline {
  draw() {
    const { app } = this;
    const { track, agent } = app;
    const { context, height } = this.panel;
    this.begin();
    const of = (values) => Array.from({ length: track.frames }, (_, frame) => values[frame * track.agents + agent]);
    const [rewards, returns] = [of(track.rewards), of(track.returns)];
    const [low, high] = range([...rewards, 0]);
    const size = height - 8;
    const span = high - low || 1;
    const zero = 4 + (size * high) / span;
    for (let frame = 0; frame < track.frames; frame++) {
      const reward = rewards[frame];
      if (!Number.isFinite(reward) || reward === 0) continue;
      context.fillStyle = reward > 0 ? app.theme.reward : app.theme.loss;
      const tall = Math.max(1, (size * Math.abs(reward)) / span);
      context.fillRect(this.x(frame), reward > 0 ? zero - tall : zero, Math.max(1, this.x(1)), tall);
    }
    this.drawLine(returns, hueOf(app, agent), app.theme.ink);
    this.drawEnds();
    this.drawEpisodes();
    this.drawCursor();
  }

  drawLine(values, hue) {
    const { context, height } = this.panel;
    const { track, theme } = this.app;
    const [low, high] = range(values);
    const y = (value) => height - 5 - ((height - 10) * (value - low)) / (high - low || 1);
    const level = high === low ? height / 2 : null;
    for (const [breadth, colour] of [[4, theme.panel], [1.8, hue]]) {
      context.strokeStyle = colour;
      context.lineWidth = breadth * theme.line;
      context.lineJoin = 'round';
      context.beginPath();
      for (const { first, last } of track.episodes) {
        let drawing = false;
        for (let frame = first; frame <= last; frame++) {
          if (Number.isFinite(values[frame])) {
            const place = [this.x(frame + 0.5), level ?? y(values[frame])];
            if (drawing) context.lineTo(...place);
            else context.moveTo(...place);
          }
          drawing = Number.isFinite(values[frame]);
        }
      }
      context.stroke();
    }
    return [low, high];
  }

  /** Marks where episodes end: which the task ended, and which a limit. */
  drawEnds() {
    const { context } = this.panel;
    const { track, theme } = this.app;
    for (let frame = 0; frame < track.frames; frame++) {
      if (!track.over[frame]) continue;
      context.fillStyle = track.terminated[frame] ? theme.good : theme.dim;
      context.beginPath();
      context.arc(this.x(frame + 0.5), 6 * theme.line, 3 * theme.line, 0, 2 * Math.PI);
      context.fill();
    }
  }
}

/** One of the values that the env says of itself: a line for each agent, the chosen one's clearest. */
export class Values extends Rewards {
  constructor(app, panel, name) {
    super(app, panel);
    this.name = name;
  }

  draw() {
    const { app, name } = this;
    const { track } = app;
    const { shape } = track.values[name] ?? {};
    this.begin();
    if (shape) {
      const values = Array.from({ length: track.frames }, (_, frame) => track.value(name, app.agent, frame));
      const [low, high] = this.drawLine(values, shape.length > 1 ? hueOf(app, app.agent) : app.theme.accent);
      this.drawBounds(low, high);
    }
    this.drawEpisodes();
    this.drawCursor();
  }

  drawBounds(low, high) {
    const { context, width, height } = this.panel;
    const { theme } = this.app;
    context.font = `${0.75 * theme.size}px ${theme.font}`;
    context.textAlign = 'right';
    context.fillStyle = faded(theme.ink, 0.65);
    context.textBaseline = 'top';
    context.fillText(shown(high), width - 5, 3);
    context.textBaseline = 'bottom';
    if (low !== high && height > 2.2 * theme.size) context.fillText(shown(low), width - 5, height - 2);
  }
}

/** The names of the values that are worth a chart: those that aren't the same all along, the env's scores first. */
export function telling({ scores }, track, most = 3) {
  const names = Object.keys(track.values).filter((name) => {
    if (track.live) return true;
    const [low, high] = range(track.values[name].values);
    return high > low;
  });
  const place = (name) => (scores.includes(name) ? scores.indexOf(name) : scores.length);
  return names.sort((a, b) => place(a) - place(b)).slice(0, most);
}
