// The clock: which frame is shown, and how fast it moves on.

export const SPEEDS = [0.25, 0.5, 1, 2, 4, 8, 16];

export class Clock {
  constructor(frames, fps, changed) {
    Object.assign(this, { frames, fps, changed, moment: 0, playing: false, speed: 1, last: null });
  }

  get frame() {
    return Math.floor(this.moment);
  }

  seek(frame) {
    this.moment = Math.max(0, Math.min(frame, this.frames - 1));
    this.changed();
  }

  step(frames) {
    this.playing = false;
    this.seek(this.frame + frames);
  }

  toggle() {
    this.playing = !this.playing;
    if (this.playing && this.frame >= this.frames - 1) this.moment = 0;
    this.last = null;
    this.changed();
  }

  /** Moves on by the time that has passed. Returns whether the clock goes on. */
  tick(now) {
    if (!this.playing) return false;
    const passed = this.last === null ? 0 : Math.min(now - this.last, 250) / 1000;
    this.last = now;
    this.moment = Math.min(this.moment + passed * this.fps * this.speed, this.frames - 1);
    if (this.moment >= this.frames - 1) this.playing = false;
    return this.playing;
  }
}
