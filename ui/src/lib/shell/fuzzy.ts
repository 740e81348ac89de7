/** "kündi ap" → what both the typed words and the found ones are compared in. */
export const plain = (text: string): string =>
  text.toLocaleLowerCase().normalize('NFD').replace(/\p{M}/gu, '').replaceAll('ß', 'ss');

/** How well one word fits: at the start, at the start of a word, anywhere, or as letters in order; 0 if it doesn't. */
function fit(word: string, text: string): number {
  const at = text.indexOf(word);
  if (at === 0) return 100;
  if (at > 0) return /[\p{L}\p{N}]/u.test(text[at - 1] ?? '') ? 40 : 70;
  // Letters in order find "js" in "jetzt synchronisieren"; two letters far apart find everything, so they must begin a word.
  let from = 0;
  let starts = 0;
  for (const letter of word) {
    const found = text.indexOf(letter, from);
    if (found < 0) return 0;
    if (found === 0 || !/[\p{L}\p{N}]/u.test(text[found - 1] ?? '')) starts += 1;
    from = found + 1;
  }
  return starts === 0 || (word.length > 2 && starts < 2) ? 0 : 10 + (20 * starts) / word.length;
}

/** A label with its other words, folded once and not per key press. */
export type Folded = { label: string; words: string };
export const folded = (label: string, words = ''): Folded => ({ label: plain(label), words: plain(words) });

/** The words of what was typed. */
export const typedWords = (query: string): string[] => plain(query).split(/\s+/).filter(Boolean);

/** How well `typed` finds a text with its other words; 0 if it doesn't. Every typed word has to fit somewhere. */
export function scoreOf(typed: string[], { label, words }: Folded): number {
  let sum = 0;
  for (const word of typed) {
    const here = Math.max(fit(word, label), fit(word, words) * 0.6);
    if (here === 0) return 0;
    sum += here;
  }
  // The shorter of two equal ones is the closer one.
  return typed.length ? sum / typed.length - Math.min(9, label.length / 10) : 1;
}
