// Panels along the axis of time: episodes' ends, the cursor, and seeking by the pointer.

export class Timeline {
  constructor(app, panel) {
    Object.assign(this, { app, panel });
    panel.canvas.classList.add('seeks');
    const seek = (event) => {
      if (app.clock.live) return;
      const { left, width } = panel.canvas.getBoundingClientRect();
      app.clock.playing = false;
      app.clock.seek(Math.floor(((event.clientX - left) / width) * app.clock.frames));
    };
    panel.canvas.addEventListener('pointerdown', (event) => {
      panel.canvas.setPointerCapture(event.pointerId);
      seek(event);
    });
    panel.canvas.addEventListener('pointermove', (event) => event.buttons && seek(event));
  }

  /** The left edge of a frame, in the panel's pixels. */
  x(frame) {
    return (frame / this.app.clock.frames) * this.panel.width;
  }

  begin() {
    const { context, width, height, ratio } = this.panel;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.fillStyle = this.app.theme.panel;
    context.fillRect(0, 0, width, height);
  }

  drawEpisodes() {
    const { context, height } = this.panel;
    context.fillStyle = this.app.theme.dim;
    context.globalAlpha = 0.7;
    for (const { first } of this.app.track.episodes.slice(1)) context.fillRect(this.x(first) - 0.5, 0, 1, height);
    context.globalAlpha = 1;
  }

  drawCursor() {
    const { context, height } = this.panel;
    const x = this.x(this.app.clock.frame + 0.5);
    const { theme } = this.app;
    context.fillStyle = theme.dark ? 'rgba(0, 0, 0, .55)' : 'rgba(255, 255, 255, .8)';
    context.fillRect(x - 2 * theme.line, 0, 4 * theme.line, height);
    context.fillStyle = theme.ink;
    context.fillRect(x - theme.line, 0, 2 * theme.line, height);
  }
}
