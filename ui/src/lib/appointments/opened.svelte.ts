import { untrack } from 'svelte';
import type { AppointmentDetails } from '$lib/bindings';
import type { CommandError } from '$lib/command';
import { Resource } from '$lib/resource.svelte';
import { getAppointment } from './api';
import { appointments, appointmentsRevision } from './state.svelte';

/** What is known of one appointment beyond its row: asked when it is opened, and again when appointments have changed. */
export class Opened {
  readonly #id: () => string;
  // By itself, because it is taken from a row, and a row is another one with every list that is fetched or filtered.
  readonly #current = $derived.by(() => this.#id());
  // Another appointment begins anew, and what is still said of the one before reaches nobody.
  readonly #asked = $derived.by(() => {
    const id = this.#current;
    return { id, answer: new Resource(() => getAppointment(id)) };
  });

  /** To be made where a component begins. */
  constructor(id: () => string) {
    this.#id = id;
    $effect(() => {
      appointmentsRevision();
      const { answer } = this.#asked;
      untrack(() => void answer.refresh());
    });
    $effect(() => {
      const { id, answer } = this.#asked;
      if (answer.value) appointments.opened = answer.value;
      else if (answer.value === null && appointments.opened?.row.id === id) appointments.opened = undefined;
    });
  }

  /** None yet, or `null` if no list has it any more. */
  get details(): AppointmentDetails | null | undefined {
    const { id, answer } = this.#asked;
    const { opened } = appointments;
    return answer.value === undefined && opened?.row.id === id ? opened : answer.value;
  }

  /** Why there is no answer. */
  get error(): CommandError | undefined {
    return this.#asked.answer.error;
  }

  again(): void {
    void this.#asked.answer.refresh();
  }
}
