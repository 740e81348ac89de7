import { SvelteSet } from 'svelte/reactivity';
import { toast } from 'svelte-sonner';
import { retry } from '$lib/appointments/api';
import { overview } from '$lib/overview/state.svelte';
import { retryWord } from '$lib/overview/status';
import { m } from '$lib/paraglide/messages';
import { act } from '$lib/ui/act';
import { retryRun } from './api';
import { active, type Filters } from './filters';

/** An answer comes by the history itself; if none does, the button must come back. */
const PATIENCE_MS = 15_000;

class Retrying {
  #ids = new SvelteSet<string>();

  has(id: string): boolean {
    return this.#ids.has(id);
  }

  /** The history says how it went from here on. */
  clear(): void {
    this.#ids.clear();
  }

  one(id: string): Promise<boolean> {
    return this.#during([id], () => act(() => retry(id), retryWord(overview.value)));
  }

  run(id: string): Promise<boolean> {
    return this.#during([id], () => act(() => retryRun(id), retryWord(overview.value)));
  }

  /** Everything that is shown and did not work. */
  async list(filters: Filters, ids: string[]): Promise<void> {
    const names = active(filters).filter((name) => name !== 'result');
    const [only] = names;
    if (!only) return void (await this.#during(ids, () => act(() => retry(null), retryWord(overview.value))));
    if (names.length === 1 && only === 'run' && filters.run) return void (await this.run(filters.run));
    await this.#during(ids, async () => {
      let missed = 0;
      for (const id of ids) await retry(id).catch(() => (missed += 1));
      if (missed < ids.length) toast.success(retryWord(overview.value));
      if (missed) toast.error(m.hx_retry_failed({ count: missed }), { duration: 12_000 });
      return missed === 0;
    });
  }

  async #during(ids: string[], run: () => Promise<boolean>): Promise<boolean> {
    for (const id of ids) this.#ids.add(id);
    const end = () => ids.forEach((id) => this.#ids.delete(id));
    const worked = await run();
    if (worked) setTimeout(end, PATIENCE_MS);
    else end();
    return worked;
  }
}

export const retrying = new Retrying();
