// Colours: the theme's, which the style sheet has, and the agents' own.

const NAMES = [
  'ground', 'panel', 'ink', 'dim', 'dash', 'accent', 'body', 'shade', 'lit', 'lamp', 'ceiling-top', 'ceiling',
  'floor', 'floor-near', 'reward', 'loss', 'good', 'bad', 'goal',
];

/** The theme's colours, by name. */
export function themeOf(root) {
  const style = getComputedStyle(root);
  const theme = Object.fromEntries(NAMES.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
  theme.dark = style.getPropertyValue('--dark').trim() === '1';
  theme.font = style.fontFamily;
  theme.size = parseFloat(style.fontSize);
  theme.line = Math.max(1, theme.size / 13); // how much thicker lines are on large screens
  return theme;
}

export const rgb = (r, g, b, alpha = 1) => `rgba(${r | 0}, ${g | 0}, ${b | 0}, ${alpha})`;

const INKS = ['#a87400', '#1583ad', '#d23a5f', '#2f8f3a', '#8a4fd0', '#c8641a', '#1a9a86', '#55585e']; // on a light ground

/** An agent's own colour. */
export function hueOf({ recording, theme }, agent) {
  const hues = theme.dark ? recording.hues : INKS;
  return hues[agent % hues.length];
}

/** A #rrggbb colour with an opacity. */
export function faded(hex, alpha) {
  const number = parseInt(hex.slice(1), 16);
  return rgb(number >> 16, (number >> 8) & 255, number & 255, alpha);
}

export const hex = (r, g, b) => `#${[r, g, b].map((each) => each.toString(16).padStart(2, '0')).join('')}`;
