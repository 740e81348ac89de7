import type { MirrorRow, SettingsPatch } from '$lib/bindings';
import { asCommandError, type CommandError } from '$lib/command';
import { privacyMirror } from './api';

export const LEVELS = ['full', 'type_only', 'busy'] as const;
type Level = (typeof LEVELS)[number];

/** The week as others see it, under what is chosen just now, and the same week at each level for the samples. */
class Mirror {
  rows = $state.raw<MirrorRow[] | undefined>();
  levels = $state.raw<Partial<Record<Level, MirrorRow[]>>>({});
  error = $state.raw<CommandError | undefined>();
  reading = $state(false);
  #wait: ReturnType<typeof setTimeout> | undefined;
  #turn = 0;

  /** Asks a moment after the last choice; what was shown stays until the answer is there. */
  look(patch: Partial<SettingsPatch>): void {
    clearTimeout(this.#wait);
    const turn = ++this.#turn;
    this.reading = true;
    this.#wait = setTimeout(() => void this.#read(patch, turn), this.rows ? 160 : 0);
  }

  async #read(patch: Partial<SettingsPatch>, turn: number): Promise<void> {
    try {
      const [rows, ...levels] = await Promise.all([
        privacyMirror(patch),
        ...LEVELS.map((privacy) => privacyMirror({ ...patch, privacy })),
      ]);
      if (turn !== this.#turn) return;
      this.rows = rows;
      this.levels = Object.fromEntries(LEVELS.map((level, i) => [level, levels[i]]));
      this.error = undefined;
    } catch (e) {
      if (turn !== this.#turn) return;
      this.error = asCommandError(e);
    }
    this.reading = false;
  }

  clear(): void {
    clearTimeout(this.#wait);
    this.#turn += 1;
    this.rows = undefined;
    this.levels = {};
    this.error = undefined;
    this.reading = false;
  }
}

export const mirror = new Mirror();
