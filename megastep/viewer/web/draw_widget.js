// The widget of a drawing: what it asks goes by messages.

import { draw } from './draw.js';
import { asking, place } from './widget.js';

const drawWidget = {
  async render({ model, el }) {
    const app = await draw(place(el), model.get('document'), asking(model));
    return () => app.walking && (app.walking.drive.ended = true); // it has left the page
  },
};
