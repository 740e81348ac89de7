import type { ConflictView } from '$lib/bindings';
import { intlLocale } from '$lib/i18n/locale.svelte';
import { m } from '$lib/paraglide/messages';

/* Whatever somebody typed into a title or a note is shown as text, and none of it may reorder or swallow the words around it. */

/** Signs that nobody sees: zero-width ones, direction marks, and spaces that only look like one. */
const UNSEEN =
  /[\u00a0\u00ad\u061c\u115f\u180e\u200b-\u200f\u2028-\u202f\u205f-\u2064\u2066-\u206f\u3164\ufeff]|\p{Cc}/gu;
const DIRECTION = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;
const ZERO_WIDTH = /[\u00ad\u180e\u200b\u2060-\u2064\ufeff]/gu;
const RIGHT_TO_LEFT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/u;

export type Piece = { text: string; sign: boolean };

const code = (sign: string): string => `U+${(sign.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;

/** A differing stretch of text with its unseen signs written out, so that the difference can be seen at all. */
export function seen(text: string): Piece[] {
  const pieces: Piece[] = [];
  const say = (part: string, sign = false) => part && pieces.push({ text: part, sign });
  // A stretch of nothing but spaces differs by its spaces.
  if (/^ +$/.test(text)) return [{ text: '␣'.repeat(Math.min(text.length, 12)), sign: true }];
  let from = 0;
  for (const found of text.matchAll(UNSEEN)) {
    const [sign] = found;
    // Line ends and tabs lay text out, and a joiner between two pictures is how one picture is written.
    if (sign === '\n' || sign === '\r' || sign === '\t') {
      if (text.trim() !== '') continue;
    } else if (sign === '\u200d' && /\p{Extended_Pictographic}\ufe0f?$/u.test(text.slice(0, found.index))) continue;
    say(text.slice(from, found.index));
    say(sign === '\n' ? '⏎' : sign === '\t' ? '⇥' : code(sign), true);
    from = found.index + sign.length;
  }
  say(text.slice(from));
  return pieces;
}

/** A title inside a sentence: one line, not endless, and unable to turn the rest of the sentence around. */
export function inSentence(title: string, most = 90): string {
  const plain = title
    .replace(DIRECTION, '')
    .replace(ZERO_WIDTH, '')
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .trim();
  if (plain === '') return m.h_thing();
  const signs = [...plain];
  const short =
    signs.length > most
      ? `${signs
          .slice(0, most - 1)
          .join('')
          .trimEnd()}…`
      : plain;
  return RIGHT_TO_LEFT.test(short) ? `\u2068${short}\u2069` : short;
}

export const titleOf = (conflict: ConflictView): string => inSentence(conflict.title);

/** A word that begins a line. */
export const heading = (words: string): string => words.charAt(0).toLocaleUpperCase(intlLocale()) + words.slice(1);

/** Ten thousand characters on one card hide the decision; what both sides share is shortened first. */
export const LONG = 480;
const EDGE = 90;

export type Part = { text: string; changed: boolean };

/** Shortens long stretches that both sides share; what differs stays whole, up to a bound. */
export function shortened(parts: Part[]): { parts: Part[]; cut: boolean } {
  let cut = false;
  const middle = (text: string, edge: number, first: boolean, last: boolean): string => {
    if (text.length <= edge * 2 + 20) return text;
    cut = true;
    const signs = [...text];
    // At the edge towards the difference whole words are left.
    const head =
      first && !last
        ? ''
        : signs
            .slice(0, edge)
            .join('')
            .replace(/\s+\S*$/u, ' ');
    const tail =
      last && !first
        ? ''
        : signs
            .slice(-edge)
            .join('')
            .replace(/^\S*\s+/u, ' ');
    return `${head}…${tail}`;
  };
  const out = parts.map((part, i) => ({
    ...part,
    text: part.changed
      ? middle(part.text, LONG, false, false)
      : middle(part.text, EDGE, i === 0, i === parts.length - 1),
  }));
  return cut ? { parts: out, cut } : { parts, cut };
}
