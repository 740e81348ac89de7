import type { Outcome, RestoreItem, RestorePreview } from '$lib/bindings';
import { asCommandError, CommandError } from '$lib/command';
import { m } from '$lib/paraglide/messages';
import { offerUndo } from '$lib/shell/undo.svelte';
import { listHistory, previewRestore, previewUndoRun, restore, undoRun } from './api';
import { split } from './restore';
import { titleWord } from './sentence';

const UNDO_MS = 12_000;
/** The new line may come a moment after the answer. */
const LOOKS = 4;
const LOOK_MS = 1_500;

/** Restoring, from the question to what became of it. One at a time; the dialog shows it. */
class RestoreFlow {
  open = $state(false);
  preview = $state.raw<RestorePreview | undefined>();
  error = $state.raw<CommandError | undefined>();
  outcomes = $state.raw<Outcome[] | undefined>();
  busy = $state(false);
  /** It was something else than what had been shown: nothing was done, and the preview is the one of now. */
  stale = $state(false);
  /** The whole run that is to be undone, if it is not about single lines. */
  run = $state<string | null>(null);
  /** When that run began; its name in the title. */
  runAt = $state('');
  #ids: string[] = [];
  #turn = 0;

  async ask(ids: string[]): Promise<void> {
    [this.#ids, this.run, this.open] = [ids, null, true];
    await this.look();
  }

  async askRun(runId: string, startedAt: string): Promise<void> {
    [this.#ids, this.run, this.runAt, this.open] = [[], runId, startedAt, true];
    await this.look();
  }

  /** Asks what it would do; also after something changed meanwhile. */
  async look(stale = false): Promise<void> {
    const turn = ++this.#turn;
    [this.preview, this.error, this.outcomes, this.busy] = [undefined, undefined, undefined, false];
    this.stale = stale;
    try {
      const preview = this.run ? await previewUndoRun(this.run) : await previewRestore(this.#ids, null);
      if (turn === this.#turn) this.preview = preview;
    } catch (e) {
      if (turn === this.#turn) this.error = asCommandError(e);
    }
  }

  async apply(): Promise<void> {
    const { preview } = this;
    if (!preview || this.busy) return;
    const { possible } = split(preview);
    const turn = ++this.#turn;
    this.busy = true;
    const since = new Date(Date.now() - 1_000).toISOString();
    try {
      const outcomes = this.run ? await undoRun(this.run, preview) : await restore(preview);
      const done = possible.filter((i) => outcomes.some((o) => o.id === i.history_id && o.result === 'done'));
      if (done.length) this.#offerUndo(done, since);
      if (turn !== this.#turn) return;
      this.outcomes = outcomes;
      // All as foretold: the dialog has nothing more to say. Else it stays, with what became of each.
      if (done.length === possible.length) this.open = false;
    } catch (e) {
      if (turn !== this.#turn) return;
      const error = asCommandError(e);
      if (error.code === 'stale') await this.look(true);
      else this.error = error;
    } finally {
      if (turn === this.#turn) this.busy = false;
    }
  }

  #offerUndo(done: RestoreItem[], since: string): void {
    const tells = done.some((i) => i.tells_admin);
    offerUndo({
      text: m.hx_rs_toast({ count: done.length, title: titleWord(done[0]?.title ?? null) }),
      more: tells ? m.hx_rs_undo_tells() : undefined,
      undo: () => takeBack(done, since),
      undone: m.hx_rs_undone(),
      ms: UNDO_MS,
    });
  }
}

/** Takes a restoring back: its own new lines are restored, by a new edit again. */
async function takeBack(done: RestoreItem[], since: string): Promise<void> {
  const ids = await newLines([...new Set(done.map((i) => i.appointment_id))], since);
  const missed = ids.length ? await missedOf(ids) : 'restore_writing';
  if (missed) throw new CommandError({ code: missed, detail: null, field: null, retryable: true });
}

/** Restores these lines; what became of the first that could not be, if one could not. */
async function missedOf(ids: string[]): Promise<string | undefined> {
  const preview = await previewRestore(ids, null);
  const reason = preview.items.find((i) => i.not_possible)?.not_possible;
  const outcomes = await restore(preview);
  return reason ?? outcomes.find((o) => o.result !== 'done')?.result;
}

async function newLines(appointments: string[], since: string): Promise<string[]> {
  for (let look = 0; look < LOOKS; look += 1) {
    if (look) await new Promise((done) => setTimeout(done, LOOK_MS));
    const found: string[] = [];
    for (const id of appointments) {
      const rows = await listHistory({ appointment_id: id, since, limit: 20 });
      const newest = rows.find((r) => r.restorable);
      if (newest) found.push(newest.id);
    }
    if (found.length === appointments.length) return found;
  }
  return [];
}

export const restoring = new RestoreFlow();
