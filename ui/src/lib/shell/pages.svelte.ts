import type { Component } from 'svelte';
import type { Overview } from '$lib/bindings';

type Page = Component<{ overview: Overview }>;

/** The places behind the first one; each is loaded when it is first needed, or as soon as there is nothing else to do. */
const LOAD: Record<string, () => Promise<{ default: unknown }>> = {
  appointments: () => import('$lib/appointments/Agenda.svelte'),
  conflicts: () => import('$lib/conflicts/Decisions.svelte'),
  history: () => import('$lib/history/History.svelte'),
  settings: () => import('$lib/settings/Settings.svelte'),
};

class Pages {
  #loaded = $state.raw<Record<string, Page>>({});

  /** True if this place has a page of its own. */
  has(place: string): boolean {
    return place in LOAD;
  }

  /** The page of this place, once it is there. */
  get(place: string): Page | undefined {
    return this.#loaded[place];
  }

  async load(place: string): Promise<void> {
    if (this.#loaded[place] || !LOAD[place]) return;
    const { default: page } = await LOAD[place]();
    this.#loaded = { ...this.#loaded, [place]: page as Page };
  }

  /** So that no later click waits. */
  async loadAll(): Promise<void> {
    for (const place of Object.keys(LOAD)) await this.load(place).catch(() => undefined);
  }
}

export const pages = new Pages();
