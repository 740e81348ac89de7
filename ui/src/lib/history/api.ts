import { commands, type HistoryQuery } from '$lib/bindings';
import { value } from '$lib/command';

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
export const restore = (ids: string[]) => value(commands.restore(ids));
export const retryRun = (runId: string) => value(commands.retryRun(runId));
export const calendarAt = (atMs: number) => value(commands.calendarAt(new Date(atMs).toISOString()));
export const exportHistory = (query: Partial<HistoryQuery>, format: 'csv' | 'json', personal: boolean) =>
  value(commands.exportHistory({ ...ALL, ...query, limit: EVERY }, format, personal));
export const showSavedFile = () => value(commands.showSavedFile());
