import type { HistoryQuery, HistoryRow } from '$lib/bindings';
import { asCommandError, type CommandError } from '$lib/command';
import { listHistory } from './api';

const FIRST = 100;
const NEXT = 500;

type Ask = (query: Partial<HistoryQuery>) => Promise<HistoryRow[]>;

/** Lines as they were read so far, newest first; further ones follow page by page. */
export class Pages {
  rows = $state.raw<HistoryRow[]>([]);
  /** The first answer came. */
  known = $state(false);
  more = $state(false);
  loading = $state(false);
  error = $state.raw<CommandError | undefined>();
  #query: Partial<HistoryQuery> = {};
  /** The question that the lines answer; another one may have been asked since. */
  #answered: Partial<HistoryQuery> | undefined;
  #under: Promise<void> = Promise.resolve();
  /** An older answer must not replace a newer one. */
  #turn = 0;
  readonly #ask: Ask;

  constructor(ask: Ask = listHistory) {
    this.#ask = ask;
  }

  /** The lines answer another question than the one asked last. */
  get outdated(): boolean {
    return this.#answered !== this.#query;
  }

  /** Another question: the lines of the one before stay until its answer is there. */
  async start(query: Partial<HistoryQuery>): Promise<void> {
    this.#query = query;
    await this.#read(async () => {
      const rows = await this.#ask({ ...query, limit: FIRST });
      return { rows, more: rows.length >= FIRST };
    });
  }

  /** Something was written meanwhile. What was read before is kept, so that nobody loses their place. */
  async refresh(): Promise<void> {
    // Lines of another question must not be joined to the answer of this one.
    if (this.outdated) return this.start(this.#query);
    await this.#read(async () => {
      const fresh = await this.#ask({ ...this.#query, limit: FIRST });
      if (fresh.length < FIRST) return { rows: fresh, more: false };
      const old = this.rows;
      // Often nothing of this list has changed; then it is not drawn again either.
      if (JSON.stringify(fresh) === JSON.stringify(old.slice(0, FIRST))) return { rows: old, more: this.more };
      const ids = new Set(fresh.map((r) => r.id));
      const joined = old.findIndex((r) => ids.has(r.id));
      // More happened than one page holds: what lies between is not known, so it is read from the top again.
      if (joined < 0) return { rows: fresh, more: true };
      const last = Date.parse(fresh.at(-1)?.at ?? '');
      const kept = old.filter((r) => !ids.has(r.id) && Date.parse(r.at) <= last);
      return { rows: [...fresh, ...kept], more: kept.length ? this.more : true };
    });
  }

  async next(): Promise<void> {
    if (this.loading) return;
    // Whether more follows is known of the lines that are shown, and they answer another question.
    if (this.outdated) return this.start(this.#query);
    if (!this.more) return;
    await this.#read(async () => {
      const last = this.rows.at(-1);
      if (!last) return { rows: this.rows, more: false };
      const ms = Date.parse(last.at);
      const known = new Set(this.rows.map((r) => r.id));
      // Lines of one moment may lie on both sides of a page's end, so that moment is asked for again.
      let found = await this.#older(ms + 1);
      let fresh = found.filter((r) => !known.has(r.id));
      if (!fresh.length && found.length >= NEXT) {
        found = await this.#older(ms);
        fresh = found.filter((r) => !known.has(r.id));
      }
      return { rows: [...this.rows, ...fresh], more: found.length >= NEXT && fresh.length > 0 };
    });
  }

  /** All further pages until there are so many lines. A look that comes in between is waited for; another question ends it. */
  async rest(most: number): Promise<void> {
    const query = this.#query;
    while (query === this.#query && this.more && !this.error && this.rows.length < most)
      await (this.loading ? this.#under : this.next());
  }

  #older(beforeMs: number): Promise<HistoryRow[]> {
    const bound = this.#query.before ? Math.min(Date.parse(this.#query.before), beforeMs) : beforeMs;
    return this.#ask({ ...this.#query, before: new Date(bound).toISOString(), limit: NEXT });
  }

  #read(run: () => Promise<{ rows: HistoryRow[]; more: boolean }>): Promise<void> {
    this.#under = this.#take(run);
    return this.#under;
  }

  async #take(run: () => Promise<{ rows: HistoryRow[]; more: boolean }>): Promise<void> {
    const [turn, query] = [++this.#turn, this.#query];
    this.loading = true;
    try {
      const { rows, more } = await run();
      if (turn !== this.#turn) return;
      this.rows = rows;
      this.more = more;
      this.known = true;
      this.#answered = query;
      this.error = undefined;
    } catch (e) {
      if (turn === this.#turn) this.error = asCommandError(e);
    } finally {
      if (turn === this.#turn) this.loading = false;
    }
  }
}
