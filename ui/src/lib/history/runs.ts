import type { RunRow } from '$lib/bindings';
import { m } from '$lib/paraglide/messages';
import { listPlain } from '$lib/i18n/time';

const TRIGGERS: Record<string, (p: { platform: string }) => string> = {
  timer: () => m.run_timer(),
  manual: () => m.run_manual(),
  changed: () => m.run_changed(),
  wake_up: () => m.run_wake_up(),
  network_back: () => m.run_network_back(),
  start: () => m.run_start(),
  hint: (p) => m.run_hint(p),
  due: () => m.run_due(),
};

export const triggerWord = (trigger: string, platform: string): string =>
  (TRIGGERS[trigger] ?? TRIGGERS.timer)?.({ platform }) ?? trigger;

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
  return parts.length ? listPlain(parts) : m.run_nothing();
}
