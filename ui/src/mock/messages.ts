import * as real from '../lib/paraglide/messages.js';

/**
 * The messages of the stand-in and of the tests: the same ones, and on request each in brackets and two fifths longer.
 * What then stands in the window without brackets was never a message, and what is cut off is too tight for German.
 */
let on = false;

export const usePseudo = (wanted: boolean): void => {
  on = wanted;
};

const FILL = 'ēxtrā lōng wōrds ';

/** "[Sync now ēxtr]": the text first, so that tests and people still read it. */
export function stretch(text: string): string {
  const more = Math.max(2, Math.ceil(text.length * 0.4) - 3);
  const fill = FILL.repeat(Math.ceil(more / FILL.length)).slice(0, more);
  return `[${text} ${fill.trim()}]`;
}

type Message = (...args: unknown[]) => string;
const wrapped = new Map<string, Message>();

export const m = new Proxy(real.m as unknown as Record<string, Message>, {
  get(messages, key: string) {
    const message = messages[key];
    if (typeof message !== 'function') return message;
    let found = wrapped.get(key);
    if (!found) {
      found = (...args) => (on ? stretch(message(...args)) : message(...args));
      wrapped.set(key, found);
    }
    return found;
  },
}) as unknown as typeof real.m;
