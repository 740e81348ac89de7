import type { AppointmentDetails, AppointmentRow } from '$lib/bindings';
import { Resource } from '$lib/resource.svelte';
import { listAppointments } from './api';
import { keepSame } from './same';

/** A list that nobody looks at is let go: ten thousand rows are megabytes. */
const KEPT_MS = 5 * 60_000;

/**
 * All appointments that are not over. They are fetched when something needs them, and fetched again after a change only
 * while something shows them. A list that nobody shows is forgotten by a change: who comes back would take it for the
 * truth, and be told that what is new is not there.
 */
class Appointments extends Resource<AppointmentRow[]> {
  /** The one that was opened last: scrolled out of view and back it is drawn at once, and asked about all the same. */
  opened: AppointmentDetails | undefined;
  #users = 0;
  // A change came while a list was under way for somebody who only waits for it.
  #old = false;
  #letGo: ReturnType<typeof setTimeout> | undefined;

  override clear(): void {
    super.clear();
    this.#old = false;
    this.opened = undefined;
  }

  /** The list as it is now. */
  ensure(): Promise<void> {
    if (!this.#users) this.#later();
    if (this.#old) this.clear();
    if (this.running) return this.running;
    return this.value && !this.error ? Promise.resolve() : this.refresh();
  }

  /** Keeps the list current for somebody who shows it; call what comes back at the end. */
  use(): () => void {
    this.#users += 1;
    clearTimeout(this.#letGo);
    void this.ensure();
    let ended = false;
    return () => {
      if (ended) return;
      ended = true;
      this.#users -= 1;
      if (!this.#users) this.#later();
    };
  }

  changed(): void {
    if (this.#users) void this.refresh();
    else if (this.running) this.#old = true;
    else this.clear();
  }

  #later(): void {
    clearTimeout(this.#letGo);
    this.#letGo = setTimeout(() => {
      if (!this.#users) this.clear();
    }, KEPT_MS);
  }
}

export const appointments: Appointments = new Appointments(async () =>
  keepSame(appointments.value ?? [], await listAppointments()),
);

let revision = $state(0);

/** Grows whenever appointments have changed; what shows some of them asks again. */
export const appointmentsRevision = (): number => revision;

export function appointmentsChanged(): void {
  revision += 1;
  appointments.changed();
}
