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
    this.#running = this.#run().finally(() => {
      this.#running = undefined;
      this.loading = false;
    });
    return this.#running;
  }

  async #run(): Promise<void> {
    do {
      this.#again = false;
      try {
        this.value = await this.#fetch();
        this.error = undefined;
      } catch (e) {
        this.error = asCommandError(e);
      }
    } while (this.#again);
  }

  set(value: T): void {
    this.value = value;
    this.error = undefined;
  }

  clear(): void {
    this.value = undefined;
    this.error = undefined;
  }
}
