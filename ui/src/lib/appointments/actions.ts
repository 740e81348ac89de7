import CalendarCheck from '@lucide/svelte/icons/calendar-check';
import CircleSlash from '@lucide/svelte/icons/circle-slash';
import ExternalLink from '@lucide/svelte/icons/external-link';
import History from '@lucide/svelte/icons/history';
import RefreshCw from '@lucide/svelte/icons/refresh-cw';
import RotateCcw from '@lucide/svelte/icons/rotate-ccw';
import Split from '@lucide/svelte/icons/split';
import type { AppointmentRow } from '$lib/bindings';
import { syncNow } from '$lib/overview/api';
import { overview } from '$lib/overview/state.svelte';
import { retryWord } from '$lib/overview/status';
import { m } from '$lib/paraglide/messages';
import { go } from '$lib/shell/router.svelte';
import { offerUndo } from '$lib/shell/undo.svelte';
import { act } from '$lib/ui/act';
import type { MenuItem } from '$lib/ui/Menu.svelte';
import { exclude, openEvent, openOnPlatform, putBack, retry } from './api';

export async function setExcluded(row: AppointmentRow, excluded: boolean): Promise<void> {
  if (!(await act(() => exclude(row.id, excluded)))) return;
  offerUndo({
    text: excluded ? m.toast_excluded() : m.toast_included(),
    undo: () => exclude(row.id, !excluded),
    undone: excluded ? m.toast_included() : m.toast_excluded(),
  });
}

/** What can be done with an appointment: what its state asks for comes first. */
export function actionsFor(row: AppointmentRow, platform: string): MenuItem[] {
  const items: MenuItem[] = [];
  if (row.conflict_id) {
    const id = row.conflict_id;
    items.push({
      test: 'act-decide',
      label: m.act_decide(),
      icon: Split,
      run: () => go(`/conflicts/${encodeURIComponent(id)}`),
    });
  }
  if (row.badge === 'removed')
    items.push({
      test: 'act-put-back',
      label: m.act_put_back(),
      icon: CalendarCheck,
      run: () => void act(() => putBack(row.id), m.toast_put_back()),
    });
  if (row.badge === 'problem' || row.reason === 'retrying')
    items.push({
      test: 'act-retry',
      label: m.act_retry(),
      icon: RotateCcw,
      run: () => void act(() => retry(row.id), retryWord(overview.value)),
    });
  // Left out by a rule it is neither synced now nor left out once more; the rule is what can be changed.
  const out = row.badge === 'left_out';
  if (row.badge !== 'ended' && !out)
    items.push({ test: 'act-sync-now', label: m.act_sync_now(), icon: RefreshCw, run: () => void act(syncNow) });
  const excluded = row.reason === 'excluded';
  if (row.badge !== 'ended' && (!out || excluded)) {
    items.push({
      test: excluded ? 'act-include' : 'act-exclude',
      label: excluded ? m.act_include() : m.act_exclude(),
      icon: CircleSlash,
      run: () => void setExcluded(row, !excluded),
    });
  }
  items.push({
    test: 'act-show-event',
    label: m.act_show_event(),
    icon: ExternalLink,
    disabled: !row.has_event,
    apart: true,
    run: () => void act(() => openEvent(row.id)),
  });
  items.push({
    test: 'act-show-platform',
    label: m.act_show_platform({ platform }),
    icon: ExternalLink,
    run: () => void act(() => openOnPlatform(row.id)),
  });
  items.push({
    test: 'act-show-history',
    label: m.act_show_history(),
    icon: History,
    run: () => go('/history', { appointment: row.id }),
  });
  return items;
}
