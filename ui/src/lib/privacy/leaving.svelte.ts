import type { DeletePlan, DeleteReport } from '$lib/bindings';
import { asCommandError, type CommandError } from '$lib/command';
import { syncToItsEnd } from '$lib/overview/runs';
import { overview } from '$lib/overview/state.svelte';
import { rest } from '$lib/overview/status';
import { settings } from '$lib/settings/state.svelte';
import { sayProblem } from '$lib/ui/act';
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
  /** A run was asked for, so that these moves get there. */
  syncing = $state(false);
  /** What came of it: all of them got there, some did not, none can now, or it takes longer than anybody waits. */
  synced = $state<'done' | 'still' | 'rests' | 'late' | undefined>();
  /** What was begun for a dialog that was closed since is nobody's any more. */
  #turn = 0;

  async open(): Promise<void> {
    this.stage = 'ask';
    this.report = undefined;
    this.stale = false;
    await this.look();
  }

  async look(): Promise<void> {
    this.plan = undefined;
    this.synced = undefined;
    await this.#read();
  }

  async #read(): Promise<void> {
    const turn = ++this.#turn;
    this.error = undefined;
    this.evenSo = false;
    try {
      const plan = await previewDeleteEverything();
      if (turn === this.#turn) this.plan = plan;
    } catch (e) {
      if (turn === this.#turn) this.error = asCommandError(e);
    }
  }

  /** Syncs, and looks again once the run has ended: before that the number is the same. */
  async sync(): Promise<void> {
    if (this.syncing) return;
    if (overview.value && rest(overview.value)) return void (this.synced = 'rests');
    const turn = this.#turn;
    this.syncing = true;
    this.synced = undefined;
    try {
      const ended = await syncToItsEnd();
      if (turn !== this.#turn) return;
      await this.#read();
      this.synced = !this.plan?.unreported ? 'done' : ended ? 'still' : 'late';
    } catch (e) {
      if (turn === this.#turn) sayProblem(asCommandError(e));
    } finally {
      this.syncing = false;
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
    this.#turn += 1;
    this.syncing = false;
    this.synced = undefined;
    this.plan = undefined;
    this.report = undefined;
    this.error = undefined;
    this.stale = false;
  }
}

export const leaving = new Leaving();
