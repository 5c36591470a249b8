// The widget of a drive: each step is asked for by a message, and answered by one.

import { drive } from './drive.js';
import { asking, place } from './widget.js';

const driveWidget = {
  async render({ model, el }) {
    const app = await drive(place(el), model.get('document'), asking(model));
    return () => (app.drive.ended = true); // it has left the page
  },
};
