import { untrack } from 'svelte';
import type { AppointmentDetails } from '$lib/bindings';
import type { CommandError } from '$lib/command';
import { Resource } from '$lib/resource.svelte';
import { getAppointment } from './api';
import { appointmentsRevision } from './state.svelte';

// The one that was opened last: scrolled out of view and back it is drawn at once, and asked about all the same.
let last: AppointmentDetails | undefined;

/** What is known of one appointment beyond its row: asked when it is opened, and again when appointments have changed. */
export class Opened {
  readonly #id: () => string;
  // Another appointment begins anew, and what is still said of the one before reaches nobody.
  readonly #asked = $derived.by(() => {
    const id = this.#id();
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
      last = this.#asked.answer.value ?? last;
    });
  }

  /** None yet, or `null` if no list has it any more. */
  get details(): AppointmentDetails | null | undefined {
    const { id, answer } = this.#asked;
    return answer.value === undefined && last?.row.id === id ? last : answer.value;
  }

  /** Why there is no answer. */
  get error(): CommandError | undefined {
    return this.#asked.answer.error;
  }

  again(): void {
    void this.#asked.answer.refresh();
  }
}
