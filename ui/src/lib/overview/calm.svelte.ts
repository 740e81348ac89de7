import { untrack } from 'svelte';
import type { Overview } from '$lib/bindings';

/** A run shorter than this changes nothing on screen. */
const UNSEEN_MS = 500;
/** What was shown once stays long enough to be read. */
const SEEN_MS = 600;

/**
 * The overview as it is shown: everything at once, but for "Syncing…", which appears only if it lasts and never
 * flashes. The app itself holds back problems until they have lasted.
 */
export class Calm {
  shown = $state.raw<Overview | undefined>();
  #latest: Overview | undefined;
  #since = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  follow(next: Overview | undefined): void {
    // What is shown now decides, but must not call whoever follows again: each answer is a new value.
    untrack(() => this.#follow(next));
  }

  #follow(next: Overview | undefined): void {
    this.#latest = next;
    const before = this.shown;
    if (!next || !before || (before.state === 'syncing') === (next.state === 'syncing')) return this.#show();
    // A check that finds nothing may pass unseen; while something waits, "Up to date" is not held a moment longer.
    const idle = before.counts.waiting === 0 && next.counts.waiting === 0;
    const [left, keep] =
      idle && next.state === 'syncing' && (before.state === 'up_to_date' || before.state === 'needs_attention')
        ? [UNSEEN_MS, true]
        : next.state === 'up_to_date'
          ? [this.#since + SEEN_MS - performance.now(), true]
          : [0, false];
    if (!keep || left <= 0) return this.#show();
    // Numbers and lists are true at once; only the state waits.
    this.shown = { ...next, state: before.state, progress: before.state === 'syncing' ? before.progress : null };
    this.#timer ??= setTimeout(() => this.#show(), left);
  }

  clear(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.shown = this.#latest = undefined;
  }

  #show(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#latest?.state === 'syncing' && this.shown?.state !== 'syncing') this.#since = performance.now();
    this.shown = this.#latest;
  }
}
