// The sheet: the floorplan that the sketch is, in its light, over it what is drawn and chosen, and what is wrong with it.

import { faded, hueOf } from './colours.js';
import { drawStill } from './floor.js';
import { drawChosen, drawCursor, drawFlaws, drawGhost, drawOpenings, placeOf } from './marks.js';
import { anchorOf, middleOf } from './shapes.js';
import { boundsOf } from './sketch.js';
import { View } from './view.js';

const EMPTY = { left: 0, bottom: 0, right: 12, top: 8 }; // what an empty sheet shows, in metres
const FINE = 7; // pixels that lines of the grid are apart, at least

export class Sheet {
  constructor(app, panel) {
    Object.assign(this, { app, panel, view: new View(), layer: document.createElement('canvas'), kept: '' });
  }

  draw() {
    const { app, panel, view } = this;
    const { context, width, height, ratio } = panel;
    view.resize(width, height);
    if (view.fitted && this.fittedTo !== `${width} ${height}`) this.fit(); // not with every wall that is drawn
    const sketch = app.preview ?? app.history.now;
    this.drawLayer(ratio);
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.drawImage(this.layer, 0, 0);
    view.apply(context, ratio);
    const pixel = app.theme.line / view.scale;
    this.drawWalls(context, sketch, pixel);
    drawOpenings(context, sketch.doors, pixel, app.theme.accent);
    this.drawLights(context, sketch.lights, pixel);
    this.drawSpawns(context, sketch.spawns, pixel);
    for (const draw of [drawChosen, drawFlaws, drawGhost, drawCursor]) {
      context.save();
      draw(context, app, sketch, pixel);
      context.restore();
    }
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.drawNames(context, sketch);
    this.drawWords(context);
  }

  fit() {
    const { left, right, bottom, top } = boundsOf(this.app.history.now) ?? EMPTY;
    this.fittedTo = `${this.panel.width} ${this.panel.height}`;
    this.view.fit({ left, right: Math.max(right, left + 3), bottom, top: Math.max(top, bottom + 3) }, 1);
  }

  /** What changes seldom: the ground, its grid, and the floorplan as a replay shows it. */
  drawLayer(ratio) {
    const { app, view, layer } = this;
    const { theme, plan } = app;
    const key = [view.x, view.y, view.scale, view.width, view.height, ratio, theme.dark, app.step, plan?.number].join();
    if (key === this.kept) return;
    this.kept = key;
    layer.width = Math.round(ratio * view.width);
    layer.height = Math.round(ratio * view.height);
    const context = layer.getContext('2d');
    context.fillStyle = theme.ground;
    context.fillRect(0, 0, layer.width, layer.height);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.drawGrid(context);
    if (!plan) return;
    view.apply(context, ratio);
    context.translate(-plan.shift[0], -plan.shift[1]);
    drawStill(context, plan, theme, theme.line / view.scale);
  }

  drawGrid(context) {
    const { view, app } = this;
    const [left, bottom] = view.toWorld(0, view.height);
    const [right, top] = view.toWorld(view.width, 0);
    const steps = [app.step, 0.25, 1, 5, 10, 50].filter((step, i, all) => step * view.scale >= FINE && all.indexOf(step) === i);
    context.font = `${0.75 * app.theme.size}px ${app.theme.font}`;
    for (const step of steps.slice(0, 3)) {
      context.fillStyle = app.theme.dash;
      context.globalAlpha = step >= 1 ? 0.22 : 0.07;
      for (let i = Math.ceil(left / step); i * step <= right; i++) context.fillRect(Math.round(view.toScreen(i * step, 0)[0]), 0, 1, view.height);
      for (let i = Math.ceil(bottom / step); i * step <= top; i++) context.fillRect(0, Math.round(view.toScreen(0, i * step)[1]), view.width, 1);
    }
    const written = [1, 5, 10, 50, 100].find((step) => step * view.scale > 46 * app.theme.line) ?? 500;
    context.fillStyle = app.theme.dim;
    context.globalAlpha = 0.9;
    context.textAlign = 'center';
    for (let i = Math.ceil(left / written); i * written <= right; i++) context.fillText(`${i * written}`, view.toScreen(i * written, 0)[0], view.height - 5);
    context.textAlign = 'right';
    context.textBaseline = 'middle';
    for (let i = Math.ceil(bottom / written); i * written <= top; i++) {
      const y = view.toScreen(0, i * written)[1];
      if (y < view.height - 20) context.fillText(`${i * written}${y < 40 ? ' m' : ''}`, view.width - 6, y);
    }
    context.globalAlpha = 1;
  }

  /** Walls as lines, while it isn't known yet what they enclose. */
  drawWalls(context, { walls }, pixel) {
    const { app } = this;
    const known = app.fresh && app.plan && !app.preview;
    context.lineCap = 'round';
    context.strokeStyle = app.theme.ink;
    context.lineWidth = (known ? 1 : 2.5) * pixel;
    context.globalAlpha = known ? 0.3 : 0.9;
    context.beginPath();
    for (const [start, end] of walls) {
      context.moveTo(...start);
      context.lineTo(...end);
    }
    context.stroke();
    context.globalAlpha = 1;
  }

  drawLights(context, lights, pixel) {
    const { lamp } = this.app.theme;
    for (const [x, y, intensity] of lights) {
      const radius = Math.max(0.05, 4.5 * pixel);
      context.fillStyle = context.strokeStyle = `rgb(${lamp})`;
      context.beginPath();
      context.arc(x, y, radius, 0, 2 * Math.PI);
      context.fill();
      context.lineWidth = 1.8 * pixel;
      context.lineCap = 'round';
      context.beginPath();
      for (let i = 0; i < 8; i++) {
        const [dx, dy] = [Math.cos((i * Math.PI) / 4), Math.sin((i * Math.PI) / 4)];
        const far = 1.5 + 0.9 * Math.sqrt(intensity);
        context.moveTo(x + 1.55 * radius * dx, y + 1.55 * radius * dy);
        context.lineTo(x + far * radius * dx, y + far * radius * dy);
      }
      context.stroke();
    }
  }

  drawSpawns(context, spawns, pixel) {
    const { app } = this;
    const hue = hueOf(app, 0);
    for (const [x, y] of spawns) {
      const radius = Math.max(0.11, 6 * pixel);
      context.fillStyle = faded(hue, 0.25);
      context.strokeStyle = hue;
      context.lineWidth = 2 * pixel;
      context.beginPath();
      context.arc(x, y, radius, 0, 2 * Math.PI);
      context.fill();
      context.stroke();
      context.fillStyle = hue;
      context.beginPath();
      context.arc(x, y, 0.35 * radius, 0, 2 * Math.PI);
      context.fill();
    }
    if (spawns.length || app.tool.name !== 'spawn' || !app.plan) return;
    context.fillStyle = faded(hue, 0.5); // where agents may start while none are drawn
    for (const [x, y] of app.plan.spawns) {
      context.beginPath();
      context.arc(x - app.plan.shift[0], y - app.plan.shift[1], 2 * pixel, 0, 2 * Math.PI);
      context.fill();
    }
  }

  drawNames(context, { rooms }) {
    const { view, app } = this;
    context.font = `${0.85 * app.theme.size}px ${app.theme.font}`;
    context.textAlign = 'center';
    context.textBaseline = 'middle';
    context.shadowColor = app.theme.shade;
    context.shadowBlur = 4;
    context.globalAlpha = 0.75;
    rooms.forEach(({ kind, outline }, i) => {
      const name = kind.replaceAll('_', ' ');
      const { width } = middleOf(outline);
      const chosen = app.chosen?.sort === 'rooms' && app.chosen.i === i;
      if (!chosen && context.measureText(name).width > width * view.scale - 8) return;
      const [px, py] = view.toScreen(...anchorOf(outline));
      context.fillStyle = chosen ? app.theme.accent : app.theme.ink;
      context.fillText(name, px, py + 1.9 * app.theme.size);
    });
    context.shadowBlur = 0;
    context.globalAlpha = 1;
  }

  /** The words beside what is being drawn, and beside what is wrong. */
  drawWords(context) {
    const { app } = this;
    const { words, at } = app.ghost ?? {};
    if (!boundsOf(app.history.now) && !app.start && !app.ghost?.rings) this.drawGreeting(context);
    if (words) this.drawChip(context, words, at, app.theme.accent);
    const shown = app.flaws.filter((flaw, i) => (app.pointed === null ? flaw.grave && !app.ghost : app.pointed === i)).slice(0, 3);
    for (const flaw of shown) {
      const place = placeOf(flaw);
      if (place) this.drawChip(context, flaw.message, place, flaw.grave ? app.theme.bad : app.theme.accent);
    }
  }

  drawGreeting(context) {
    const { view, app } = this;
    context.textAlign = 'center';
    context.textBaseline = 'middle';
    ['Draw a floorplan', 'Drag a wall, or take a room from the right and put it down here.'].forEach((line, i) => {
      context.font = `${(i ? 1 : 1.7) * app.theme.size}px ${app.theme.font}`;
      context.fillStyle = i ? app.theme.dim : app.theme.ink;
      context.fillText(line, view.width / 2, view.height / 2 + (2.1 * i - 1) * app.theme.size);
    });
  }

  drawChip(context, words, place, colour) {
    const { view, app } = this;
    const { size, font, line } = app.theme;
    context.font = `${0.92 * size}px ${font}`;
    const [width, height] = [context.measureText(words).width + 1.5 * size, 1.95 * size];
    const [px, py] = view.toScreen(...place);
    const left = Math.max(4, Math.min(px + 14 * line, view.width - width - 4));
    const top = Math.max(4, Math.min(py - height - 10 * line, view.height - height - 4));
    context.fillStyle = app.theme.dark ? '#171c24f2' : '#fffdf9f2';
    context.strokeStyle = colour;
    context.lineWidth = 1.2 * line;
    context.beginPath();
    context.roundRect(left, top, width, height, 5 * line);
    context.fill();
    context.stroke();
    context.fillStyle = app.theme.ink;
    context.textAlign = 'left';
    context.textBaseline = 'middle';
    context.fillText(words, left + 0.75 * size, top + height / 2);
  }
}
