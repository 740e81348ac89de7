import { asCommandError, type CommandError } from './command';

/**
 * Something the app knows and the window shows: the last value stays on screen while a newer one is fetched, and
 * refreshes that come while one is under way are joined into one that follows it.
 */
export class Resource<T> {
  value = $state.raw<T | undefined>();
  error = $state.raw<CommandError | undefined>();
  loading = $state(false);
  #again = false;
  #era = 0;
  #running: Promise<void> | undefined;
  readonly #fetch: () => Promise<T>;

  constructor(fetch: () => Promise<T>) {
    this.#fetch = fetch;
  }

  /** The fetch that is under way. */
  protected get running(): Promise<void> | undefined {
    return this.#running;
  }

  refresh(): Promise<void> {
    if (this.#running) {
      this.#again = true;
      return this.#running;
    }
    this.loading = true;
    this.#running = this.#run();
    return this.#running;
  }

  async #run(): Promise<void> {
    const era = this.#era;
    do {
      this.#again = false;
      try {
        const value = await this.#fetch();
        if (era !== this.#era) return;
        this.value = value;
        this.error = undefined;
      } catch (e) {
        if (era !== this.#era) return;
        this.error = asCommandError(e);
      }
    } while (this.#again);
    this.#running = undefined;
    this.loading = false;
  }

  set(value: T): void {
    this.value = value;
    this.error = undefined;
  }

  /** Nothing is known any more, and what is still under way reaches nobody. */
  clear(): void {
    this.#era += 1;
    this.#again = false;
    this.#running = undefined;
    this.loading = false;
    this.value = undefined;
    this.error = undefined;
  }
}
