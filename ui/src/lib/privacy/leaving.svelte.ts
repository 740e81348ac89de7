import type { DeletePlan, DeleteReport } from '$lib/bindings';
import { asCommandError, type CommandError } from '$lib/command';
import { overview } from '$lib/overview/state.svelte';
import { settings } from '$lib/settings/state.svelte';
import { deleteEverything, previewDeleteEverything } from './api';

/** "Delete everything", from the first look to the proof. It outlives the settings it was opened from, because they go too. */
class Leaving {
  stage = $state<'closed' | 'ask' | 'working' | 'done'>('closed');
  plan = $state.raw<DeletePlan | undefined>();
  report = $state.raw<DeleteReport | undefined>();
  /** Why it could not be looked at, or not be begun. */
  error = $state.raw<CommandError | undefined>();
  /** The number was another one than shown, so nothing was deleted. */
  stale = $state(false);
  /** Moves that the platform does not have yet may be lost. */
  evenSo = $state(false);

  async open(): Promise<void> {
    this.stage = 'ask';
    this.report = undefined;
    this.stale = false;
    await this.look();
  }

  async look(): Promise<void> {
    this.plan = undefined;
    this.error = undefined;
    this.evenSo = false;
    try {
      this.plan = await previewDeleteEverything();
    } catch (e) {
      this.error = asCommandError(e);
    }
  }

  async go(): Promise<void> {
    if (!this.plan) return;
    this.stage = 'working';
    this.error = undefined;
    this.stale = false;
    try {
      this.report = await deleteEverything(this.plan.events, this.evenSo);
      this.stage = 'done';
    } catch (e) {
      const error = asCommandError(e);
      this.stage = 'ask';
      this.stale = error.code === 'stale';
      // The plan then says how many are waiting.
      if (this.stale || error.code === 'moves_waiting') await this.look();
      else this.error = error;
    }
    void overview.refresh();
    void settings.refresh();
  }

  /** Tries again what the report says is not done. */
  async again(): Promise<void> {
    this.report = undefined;
    await this.open();
  }

  close(): void {
    this.stage = 'closed';
    this.plan = undefined;
    this.report = undefined;
    this.error = undefined;
    this.stale = false;
  }
}

export const leaving = new Leaving();
