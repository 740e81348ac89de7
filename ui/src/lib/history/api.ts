import { commands, type HistoryQuery, type RestorePreview } from '$lib/bindings';
import { value } from '$lib/command';
import { split } from './restore';

const ALL: HistoryQuery = {
  result: null,
  appointment_id: null,
  run_id: null,
  source: null,
  since: null,
  before: null,
  limit: 100,
};

/** More lines than anybody has: an export holds all that the filters leave. */
const EVERY = 1_000_000;

export const listHistory = (query: Partial<HistoryQuery>) => value(commands.listHistory({ ...ALL, ...query }));
export const listRuns = (limit: number) => value(commands.listRuns(limit));
export const previewRestore = (ids: string[], runId: string | null) => value(commands.previewRestore(ids, runId));
/** Restores what the preview says can be; if it is something else by now, nothing is done and the answer is `stale`. */
export function restore(preview: RestorePreview) {
  const { possible } = split(preview);
  const confirmed = { done: possible.length, tells_admin: preview.tells_admin };
  return value(
    commands.restore(
      possible.map((i) => i.history_id),
      confirmed,
    ),
  );
}
/** What undoing a whole run would do, with every write of it. */
export const previewUndoRun = (runId: string) => value(commands.previewUndoRun(runId));
/** Undoes a run as the preview says; if it is something else by now, nothing is done and the answer is `stale`. */
export function undoRun(runId: string, preview: RestorePreview) {
  const confirmed = { done: split(preview).possible.length, tells_admin: preview.tells_admin };
  return value(commands.undoRun(runId, confirmed));
}
export const retryRun = (runId: string) => value(commands.retryRun(runId));
export const calendarAt = (atMs: number) => value(commands.calendarAt(new Date(atMs).toISOString()));
export const exportHistory = (query: Partial<HistoryQuery>, format: 'csv' | 'json', personal: boolean) =>
  value(commands.exportHistory({ ...ALL, ...query, limit: EVERY }, format, personal));
export const showSavedFile = () => value(commands.showSavedFile());
