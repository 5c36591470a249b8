// Controls: the bar of buttons, and the keys.

import { SPEEDS } from './clock.js';

export const KEYS = [
  ['space', 'play or pause'], ['← →', 'a step; with shift, ten'], ['[ ]', 'an episode'], ['Home End', 'the ends'],
  ['− +', 'slower, faster'], ['a e', 'the next agent, env'], ['f', 'follow the agent'], ['0', 'all of the map'],
  ['t', 'light or dark'], ['?', 'these keys'],
];

/** Makes the bar of controls. Returns what brings it up to date. */
export function addControls(app, bar) {
  const button = (label, text, act, toggles = false) => {
    const made = document.createElement('button');
    Object.assign(made, { type: 'button', textContent: text, title: label });
    made.setAttribute('aria-label', label);
    if (toggles) made.setAttribute('aria-pressed', 'false');
    made.addEventListener('click', act);
    bar.append(made);
    return made;
  };
  const choice = (label, options, act) => {
    const made = document.createElement('select');
    made.setAttribute('aria-label', label);
    made.title = label;
    for (const [value, text] of options) made.append(new Option(text, value));
    made.addEventListener('change', () => act(Number(made.value)));
    bar.append(made);
    return made;
  };
  const { clock, recording } = app;
  const play = button('Play', '▶', () => clock.toggle());
  button('A step back', '−1', () => clock.step(-1));
  button('A step on', '+1', () => clock.step(1));
  const speed = choice('Speed', SPEEDS.map((each) => [each, `${each}×`]), (value) => app.setSpeed(value));
  const slider = document.createElement('input');
  Object.assign(slider, { type: 'range', min: 0, max: clock.frames - 1, step: 1, value: 0 });
  slider.setAttribute('aria-label', 'Step');
  slider.addEventListener('input', () => {
    clock.playing = false;
    clock.seek(Number(slider.value));
  });
  bar.append(slider);
  const time = document.createElement('span');
  time.className = 'time';
  bar.append(time);
  const envs = recording.envs.map((track, i) => [i, `env ${track.env}`]);
  const env = choice('Env', envs, (value) => app.choose(value, 0));
  env.hidden = envs.length < 2;
  const agent = choice('Agent', [], (value) => app.choose(app.number, value));
  const follow = button('Follow the agent', 'follow', () => app.toggleFollow(), true);
  button('Show all of the map', 'fit', () => app.fit());
  button('Light or dark', '◐', () => app.toggleTheme());
  const seconds = (frame) => (frame / recording.fps).toFixed(1);
  return () => {
    play.textContent = clock.playing ? '❚❚' : '▶';
    play.setAttribute('aria-label', clock.playing ? 'Pause' : 'Play');
    play.title = clock.playing ? 'Pause' : 'Play';
    slider.value = clock.frame;
    slider.style.setProperty('--share', `${(100 * clock.frame) / Math.max(1, clock.frames - 1)}%`);
    slider.setAttribute('aria-valuetext', `step ${clock.frame}, ${seconds(clock.frame)} seconds`);
    time.textContent = `${seconds(clock.frame)} s of ${seconds(clock.frames - 1)} s`;
    speed.value = clock.speed;
    env.value = app.number;
    if (agent.options.length !== app.track.agents) {
      agent.replaceChildren(...Array.from({ length: app.track.agents }, (_, i) => new Option(`agent ${i}`, i)));
    }
    agent.hidden = app.track.agents < 2;
    agent.value = app.agent;
    follow.setAttribute('aria-pressed', String(app.follow));
  };
}

/** Has keys act while the replay, or a page that is nothing else, has the focus. They go no further. */
export function addKeys(app, root) {
  const { clock } = app;
  const nudge = (by) => app.setSpeed(SPEEDS[Math.max(0, Math.min(SPEEDS.length - 1, SPEEDS.indexOf(clock.speed) + by))]);
  const jump = (by) => {
    const { episodes } = app.track;
    const now = episodes.indexOf(app.track.episode(clock.frame));
    clock.playing = false;
    clock.seek(episodes[Math.max(0, Math.min(episodes.length - 1, now + by))].first);
  };
  const acts = {
    ' ': () => clock.toggle(), k: () => clock.toggle(),
    ArrowLeft: (event) => clock.step(event.shiftKey ? -10 : -1),
    ArrowRight: (event) => clock.step(event.shiftKey ? 10 : 1),
    Home: () => clock.step(-Infinity), End: () => clock.step(Infinity),
    '[': () => jump(-1), ']': () => jump(1),
    '-': () => nudge(-1), '+': () => nudge(1), '=': () => nudge(1),
    a: () => app.choose(app.number, (app.agent + 1) % app.track.agents),
    e: () => app.choose((app.number + 1) % app.recording.envs.length, 0),
    f: () => app.toggleFollow(), 0: () => app.fit(), t: () => app.toggleTheme(), '?': () => app.toggleHelp(),
    Escape: () => app.toggleHelp(false),
  };
  root.addEventListener('keydown', (event) => {
    event.stopPropagation(); // a notebook has keys of its own
    const act = acts[event.key] ?? acts[event.key.toLowerCase()];
    const own = event.target.matches('select') || (event.key === ' ' && event.target.matches('button'));
    if (!act || own || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    act(event);
  });
}
