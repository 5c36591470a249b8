// The plan's view: from metres to pixels and back; zoom and pan.

export class View {
  constructor() {
    Object.assign(this, { x: 0, y: 0, scale: 1, width: 1, height: 1, fitted: true });
  }

  resize(width, height) {
    Object.assign(this, { width, height });
  }

  /** Shows all of a map. */
  fit({ left, bottom, right, top }, margin = 0.35) {
    this.x = (left + right) / 2;
    this.y = (bottom + top) / 2;
    this.scale = Math.min(this.width / (right - left + 2 * margin), this.height / (top - bottom + 2 * margin));
    this.fitted = true;
  }

  toScreen(x, y) {
    return [this.width / 2 + (x - this.x) * this.scale, this.height / 2 - (y - this.y) * this.scale];
  }

  toWorld(px, py) {
    return [this.x + (px - this.width / 2) / this.scale, this.y - (py - this.height / 2) / this.scale];
  }

  zoom(factor, px = this.width / 2, py = this.height / 2) {
    const [x, y] = this.toWorld(px, py);
    this.scale = Math.max(4, Math.min(this.scale * factor, 2000));
    this.x = x - (px - this.width / 2) / this.scale;
    this.y = y + (py - this.height / 2) / this.scale;
    this.fitted = false;
  }

  pan(px, py) {
    this.x -= px / this.scale;
    this.y += py / this.scale;
    this.fitted = false;
  }

  /** Makes a context's unit the metre, y up. */
  apply(context, ratio, left = 0, top = 0) {
    const [x, y] = this.toScreen(0, 0);
    context.setTransform(ratio * this.scale, 0, 0, -ratio * this.scale, ratio * (x + left), ratio * (y + top));
  }
}
