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

export const listHistory = (query: Partial<HistoryQuery>) => value(commands.listHistory({ ...ALL, ...query }));
export const listRuns = (limit: number) => value(commands.listRuns(limit));
