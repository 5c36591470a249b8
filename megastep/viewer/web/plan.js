// The plan: the map, and all that moves in it.

import { drawAgents, drawCones, drawTrails } from './agents.js';
import { drawStill } from './floor.js';
import { drawMarkers, drawOverlays, drawPaths } from './overlays.js';
import { anchorOf, middleOf } from './shapes.js';
import { View } from './view.js';

const MARGIN = 0.35; // how much more of the map is kept drawn on each side, as a share of the panel

export class Plan {
  constructor(app, panel) {
    Object.assign(this, { app, panel, view: new View(), layer: document.createElement('canvas'), kept: null });
  }

  get map() {
    const { track, clock } = this.app;
    return this.app.recording.maps[track.mapIds[clock.frame]];
  }

  draw() {
    const { app, panel, view } = this;
    const { context, width, height, ratio } = panel;
    view.resize(width, height);
    if (view.fitted) view.fit(this.map.bounds);
    if (app.follow) this.follow();
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.fillStyle = app.theme.ground;
    context.fillRect(0, 0, panel.canvas.width, panel.canvas.height);
    this.drawLayer(context, ratio);
    view.apply(context, ratio);
    const pixel = app.theme.line / view.scale;
    for (const draw of [drawPaths, drawTrails, drawCones, drawMarkers, drawAgents, drawOverlays]) {
      context.save();
      draw(context, app, this.map, pixel);
      context.restore();
    }
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.drawRooms(context);
    this.drawScale(context);
    this.drawLack(context);
  }

  /** Says so where no agent is anywhere. */
  drawLack(context) {
    const { track, clock, theme } = this.app;
    const agents = Array.from({ length: track.agents }, (_, agent) => track.position(agent, clock.frame));
    if (agents.some(([x, y]) => Number.isFinite(x + y))) return;
    context.font = `${theme.size}px ${theme.font}`;
    context.fillStyle = theme.bad;
    context.textAlign = 'center';
    context.fillText(`no agent is anywhere at step ${clock.frame}`, this.view.width / 2, 2 * theme.size);
  }

  follow() {
    const { x, y } = this.app.track.pose(this.app.agent, this.app.moment);
    const { view } = this;
    if (!Number.isFinite(x + y)) return; // it is nowhere
    if (view.fitted) view.scale *= 2;
    Object.assign(view, { x, y, fitted: false });
  }

  /** Copies what stands still from a layer, which is drawn anew only if the view has left it. */
  drawLayer(context, ratio) {
    const { view, layer } = this;
    const [extraX, extraY] = [Math.round(view.width * MARGIN), Math.round(view.height * MARGIN)];
    const key = [view.scale, ratio, view.width, view.height, this.app.theme.dark, this.app.track.mapIds[this.app.clock.frame]].join();
    let shift = this.kept && view.toScreen(this.kept.x, this.kept.y);
    const outside = shift && (Math.abs(shift[0] - view.width / 2) > extraX || Math.abs(shift[1] - view.height / 2) > extraY);
    if (this.kept?.key !== key || outside) {
      layer.width = ratio * (view.width + 2 * extraX);
      layer.height = ratio * (view.height + 2 * extraY);
      const still = layer.getContext('2d');
      view.apply(still, ratio, extraX, extraY);
      drawStill(still, this.map, this.app.theme, this.app.theme.line / view.scale);
      this.kept = { key, x: view.x, y: view.y };
      shift = [view.width / 2, view.height / 2];
    }
    const [left, top] = [shift[0] - view.width / 2 - extraX, shift[1] - view.height / 2 - extraY];
    context.drawImage(layer, Math.round(ratio * left), Math.round(ratio * top));
  }

  /** Writes what rooms are for, where there is space. */
  drawRooms(context) {
    const { view, app } = this;
    if (view.scale < 28) return;
    context.font = `${0.8 * app.theme.size}px ${app.theme.font}`;
    context.fillStyle = app.theme.ink;
    context.globalAlpha = 0.6;
    context.textAlign = 'center';
    context.textBaseline = 'middle';
    context.shadowColor = app.theme.shade;
    context.shadowBlur = 4;
    for (const { kind: name, outline } of this.map.rooms) {
      const kind = name.replaceAll('_', ' ');
      if (context.measureText(kind).width > middleOf(outline).width * view.scale - 12) continue;
      const [x, y] = view.toScreen(...anchorOf(outline));
      context.fillText(kind, x, y + 1.2 * app.theme.size); // below a lamp in the middle
    }
    context.shadowBlur = 0;
    context.globalAlpha = 1;
  }

  drawScale(context) {
    const { view, app } = this;
    const metres = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50].find((each) => each * view.scale > 50 * app.theme.line) ?? 100;
    const [right, bottom] = [view.width - 14, view.height - 12];
    context.strokeStyle = context.fillStyle = app.theme.dim;
    context.lineWidth = 1.5 * app.theme.line;
    context.beginPath();
    context.moveTo(right - metres * view.scale, bottom + 0.5);
    context.lineTo(right, bottom + 0.5);
    context.stroke();
    context.font = `${0.85 * app.theme.size}px ${app.theme.font}`;
    context.textAlign = 'right';
    context.textBaseline = 'bottom';
    context.fillText(`${metres} m`, right, bottom - 4);
  }
}
