import { folded, scoreOf, typedWords, type Folded } from './fuzzy';
import type { PaletteCommand, PaletteGroup } from './palette.svelte';

/** More than anybody reads through. */
const MOST = 40;
// Before anything is typed, what there is many of waits until it is asked for.
const FIRST: Partial<Record<PaletteGroup, number>> = { appointments: 0, settings: 0, decisions: 3 };

/** Commands that can be found as fast as somebody types, also with ten thousand appointments among them. */
export class Ranking {
  readonly #all: readonly PaletteCommand[];
  #folded: Folded[] | undefined;

  constructor(all: readonly PaletteCommand[]) {
    this.#all = all;
  }

  /** What is shown for what was typed, the best first; without any, the first few of each group as they come. */
  of(query: string): PaletteCommand[] {
    const typed = typedWords(query);
    return typed.length ? this.#fitting(typed) : this.#first();
  }

  #first(): PaletteCommand[] {
    const seen = new Map<PaletteGroup, number>();
    return this.#all.filter(({ group }) => {
      const before = seen.get(group) ?? 0;
      seen.set(group, before + 1);
      return before < (FIRST[group] ?? Infinity);
    });
  }

  #fitting(typed: string[]): PaletteCommand[] {
    this.#folded ??= this.#all.map(({ label, words }) => folded(label, words));
    const texts = this.#folded;
    return this.#all
      .map((command, i) => ({ command, at: scoreOf(typed, texts[i] as Folded) }))
      .filter(({ at }) => at > 0)
      .sort((a, b) => b.at - a.at)
      .slice(0, MOST)
      .map(({ command }) => command);
  }
}
