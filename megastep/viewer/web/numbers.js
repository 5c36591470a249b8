// Numbers: what holds at this frame, each below its name.

import { shown } from './charts.js';
import { hueOf } from './colours.js';

export class Numbers {
  constructor(app, element) {
    Object.assign(this, { app, element, cells: new Map() });
  }

  draw() {
    const { app } = this;
    const { track, agent, clock } = app;
    const { frame } = clock;
    const at = frame * track.agents + agent;
    const numbers = {
      env: track.env, map: track.mapIds[frame], agent, step: frame, 'in episode': track.lengths[frame],
      reward: track.rewards[at], return: track.returns[at],
    };
    for (const name of app.charted) numbers[name.replaceAll('_', ' ')] = track.value(name, agent, frame);
    for (const [name, value] of Object.entries(numbers)) this.cell(name).textContent = shown(value);
    this.cell('agent').style.color = hueOf(app, agent);
    for (const [name, cell] of this.cells) cell.parentElement.hidden = !(name in numbers);
  }

  cell(name) {
    if (!this.cells.has(name)) {
      const box = document.createElement('div');
      const [label, value] = [document.createElement('dt'), document.createElement('dd')];
      label.textContent = name;
      box.append(label, value);
      this.element.append(box);
      this.cells.set(name, value);
    }
    return this.cells.get(name);
  }
}

/** What a screen reader says of this frame. */
export function described({ track, agent, clock, recording }) {
  const { x, y, angle } = track.pose(agent, clock.frame);
  const at = clock.frame * track.agents + agent;
  const seconds = (clock.frame / recording.fps).toFixed(1);
  return `Step ${clock.frame} of ${clock.frames - 1}, ${seconds} seconds. Agent ${agent} of env ${track.env} at `
    + `${x.toFixed(2)}, ${y.toFixed(2)} metres, facing ${Math.round(angle)} degrees. Reward ${shown(track.rewards[at])}, `
    + `return ${shown(track.returns[at])}.`;
}
