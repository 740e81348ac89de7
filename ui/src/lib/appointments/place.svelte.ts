import type { AppointmentRow } from '$lib/bindings';
import { here, href, refine } from '$lib/shell/router.svelte';
import { filtersOf, index, type FilterName, type Filters, type Indexed } from './filter';
import { appointments } from './state.svelte';

type Query = Partial<Record<FilterName | 'view' | 'day', string | undefined>>;

/** Engines allow about 100 changes of the address in 30 s; a fast typist would spend them. */
const ADDRESS_MS = 220;

/** Where the agenda stands: the address, and what is being typed before it gets there. */
export class AgendaPlace {
  #typed = $state.raw<string | undefined>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #known: Map<string, Indexed> | undefined;
  #zone = '';
  readonly #trainer: () => string;
  /** Heights of what stays above the list while it scrolls: the window's own bar, and search with filters. */
  header = $state(53);
  tools = $state(100);
  /** At 200 % text or in a low window the search scrolls away, so that most of the view is the list. */
  roomy = $state(true);
  readonly covered = $derived(this.header + (this.roomy ? this.tools : 0));

  readonly filters: Filters = $derived.by(() => {
    const filters = filtersOf(here().query);
    return this.#typed === undefined ? filters : { ...filters, query: this.#typed };
  });
  readonly openId = $derived(here().parts[1]);
  readonly view: 'agenda' | 'week' = $derived(here().query.get('view') === 'week' ? 'week' : 'agenda');
  readonly all: Map<string, Indexed> = $derived.by(() => {
    const zone = this.#trainer();
    const made = index(appointments.value ?? [], zone, zone === this.#zone ? this.#known : undefined);
    this.#known = made;
    this.#zone = zone;
    return made;
  });

  constructor(zone: () => string) {
    this.#trainer = zone;
  }

  measure(): void {
    // Beside the page, or above it in a narrow window: only what lies across its top covers the list.
    const bar = document.querySelector('header');
    const box = bar?.getBoundingClientRect();
    const across = !!bar && !!box && getComputedStyle(bar).position === 'sticky' && box.width > innerWidth * 0.6;
    this.header = across ? Math.round(box.height) : 0;
    this.tools = Math.round(document.querySelector('[data-agenda-tools]')?.getBoundingClientRect().height ?? 0);
    this.roomy = this.header + this.tools <= innerHeight * 0.34;
  }

  type(query: string): void {
    this.#typed = query;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.settle(), ADDRESS_MS);
  }

  /** What was typed goes into the address now. */
  settle(): void {
    clearTimeout(this.#timer);
    if (this.#typed === undefined) return;
    const q = this.#typed || undefined;
    this.#typed = undefined;
    refine({ q });
  }

  set(query: Query): void {
    this.settle();
    refine(query);
  }

  clear(): void {
    clearTimeout(this.#timer);
    this.#typed = undefined;
    refine({ q: undefined, state: undefined, type: undefined, client: undefined, calendar: undefined });
  }

  /** Opens an appointment where it stands, or closes it; "back" leads out of the agenda, not through each one opened. */
  open(id: string | undefined): void {
    this.settle();
    const path = id === undefined ? '/appointments' : `/appointments/${encodeURIComponent(id)}`;
    history.replaceState(history.state, '', href(path, Object.fromEntries(here().query)));
    dispatchEvent(new HashChangeEvent('hashchange'));
  }

  toggle(id: string): void {
    this.open(this.openId === id ? undefined : id);
  }

  end(): void {
    clearTimeout(this.#timer);
  }
}

export type Open = (row: AppointmentRow) => void;
