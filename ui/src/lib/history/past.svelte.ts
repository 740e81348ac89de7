import type { PastCalendar } from '$lib/bindings';
import { asCommandError, type CommandError } from '$lib/command';
import { calendarAt } from './api';

/** The calendar as it was, by moment. What was asked before something was written is not kept as the answer of afterwards. */
export class Past {
  shown = $state.raw<PastCalendar | undefined>();
  error = $state.raw<CommandError | undefined>();
  #turn = 0;
  #answers = new Map<number, PastCalendar>();
  readonly #ask: (moment: number) => Promise<PastCalendar>;

  constructor(ask: (moment: number) => Promise<PastCalendar> = calendarAt) {
    this.#ask = ask;
  }

  async look(moment: number): Promise<void> {
    const mine = ++this.#turn;
    const answers = this.#answers;
    const held = answers.get(moment);
    if (held) return void ([this.shown, this.error] = [held, undefined]);
    try {
      const found = await this.#ask(moment);
      answers.set(moment, found);
      if (mine === this.#turn) [this.shown, this.error] = [found, undefined];
    } catch (e) {
      if (mine === this.#turn) this.error = asCommandError(e);
    }
  }

  /** Something was written: every moment is asked for anew. */
  forget(): void {
    this.#answers = new Map();
  }
}
