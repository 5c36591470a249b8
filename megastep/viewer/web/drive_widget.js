// The widget of a drive: each step is asked for by a message, and answered by one.

import { drive } from './drive.js';
import { place } from './widget.js';

const driveWidget = {
  async render({ model, el }) {
    const waiting = new Map();
    let asked = 0;
    model.on('msg:custom', ({ number, moment }) => {
      const { done, failed } = waiting.get(number) ?? {};
      waiting.delete(number);
      if (moment.error) failed?.(new Error(moment.error));
      else done?.(moment);
    });
    const ask = (request) => new Promise((done, failed) => {
      asked += 1;
      waiting.set(asked, { done, failed });
      model.send({ number: asked, request });
    });
    const app = await drive(place(el), model.get('document'), ask);
    return () => (app.drive.paused = true); // it has left the page
  },
};
