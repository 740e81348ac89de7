import type { RunRow } from '$lib/bindings';
import { m } from '$lib/paraglide/messages';
import { listPlain } from '$lib/i18n/time';
import { dayNamer } from './days';

export const TRIGGERS: Record<string, (p: { platform: string }) => string> = {
  timer: () => m.run_timer(),
  manual: () => m.run_manual(),
  changed: () => m.run_changed(),
  wake_up: () => m.run_wake_up(),
  network_back: () => m.run_network_back(),
  start: () => m.run_start(),
  hint: (p) => m.run_hint(p),
  due: () => m.run_due(),
};

export const RESULTS: Record<string, () => string> = {
  running: () => m.run_running(),
  success: () => m.hx_run_result_success(),
  partial: () => m.hx_run_result_partial(),
  failed: () => m.hx_run_result_failed(),
};

export const triggerWord = (trigger: string, platform: string): string =>
  TRIGGERS[trigger]?.({ platform }) ?? m.hx_run_other();

/** "12 changed · 1 problem", or that there was nothing to change. */
export function runSum(run: RunRow): string {
  if (run.result === 'running') return m.run_running();
  const parts = [
    run.added && m.run_added({ count: run.added }),
    run.changed && m.run_changed_n({ count: run.changed }),
    run.removed && m.run_removed({ count: run.removed }),
    run.moved_back && m.run_moved_back({ count: run.moved_back }),
    run.conflicts && m.run_conflicts({ count: run.conflicts }),
    run.problems && m.run_problems({ count: run.problems }),
  ].filter((part) => part !== 0);
  if (parts.length) return listPlain(parts);
  return run.checks > 1 ? m.hx_run_quiet({ count: run.checks }) : m.run_nothing();
}

const written = (run: RunRow): number =>
  run.added + run.changed + run.removed + run.moved_back + run.conflicts + run.problems;

export const quiet = (run: RunRow): boolean => run.result === 'success' && written(run) === 0;

/** A failed run has something that can be tried again. */
export const hasProblems = (run: RunRow): boolean =>
  run.problems > 0 || run.result === 'failed' || run.result === 'partial';

export type RunItem =
  | { kind: 'day'; key: string; day: string; count: number }
  | { kind: 'run'; key: string; run: RunRow }
  | { kind: 'quiet'; key: string; runs: RunRow[]; count: number };

const FEW = 2;

/**
 * Runs under their days. Several in a row that had nothing to do are one line, or the few that did something would
 * drown among them; `unfolded` holds the keys of those that were opened.
 */
export function groupRuns(runs: readonly RunRow[], zone: string, unfolded: ReadonlySet<string>): RunItem[] {
  const items: RunItem[] = [];
  const dayOf = dayNamer(zone);
  let head: Extract<RunItem, { kind: 'day' }> | undefined;
  let calm: RunRow[] = [];
  const flush = () => {
    const [first] = calm;
    if (!first) return;
    // Named by its oldest run: a newer quiet one joins the line without closing it.
    const key = `quiet-${calm.at(-1)?.id}`;
    if (calm.length >= FEW)
      items.push({ kind: 'quiet', key, runs: calm, count: calm.reduce((sum, run) => sum + run.checks, 0) });
    if (calm.length < FEW || unfolded.has(key))
      items.push(...calm.map((run) => ({ kind: 'run' as const, key: run.id, run })));
    calm = [];
  };
  for (const run of runs) {
    const day = dayOf(Date.parse(run.started_at));
    if (head?.day !== day) {
      flush();
      head = { kind: 'day', key: `day-${day}`, day, count: 0 };
      items.push(head);
    }
    head.count += run.checks;
    if (quiet(run)) {
      calm.push(run);
      continue;
    }
    flush();
    items.push({ kind: 'run', key: run.id, run });
  }
  flush();
  return items;
}

/** Which runs the filters leave: by result, and by when they began. */
export function filterRuns(
  runs: readonly RunRow[],
  result: string | null,
  sinceMs: number | null,
  beforeMs: number | null,
): RunRow[] {
  return runs.filter((run) => {
    const at = Date.parse(run.started_at);
    if (sinceMs !== null && at < sinceMs) return false;
    if (beforeMs !== null && at >= beforeMs) return false;
    if (result === 'problem') return hasProblems(run);
    if (result === 'waiting') return run.result === 'running';
    return result !== 'ok' || run.result === 'success';
  });
}
