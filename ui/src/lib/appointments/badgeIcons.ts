import ArrowUpRight from '@lucide/svelte/icons/arrow-up-right';
import Ban from '@lucide/svelte/icons/ban';
import Check from '@lucide/svelte/icons/check';
import CircleSlash from '@lucide/svelte/icons/circle-slash';
import Clock3 from '@lucide/svelte/icons/clock-3';
import History from '@lucide/svelte/icons/history';
import RefreshCw from '@lucide/svelte/icons/refresh-cw';
import Split from '@lucide/svelte/icons/split';
import TriangleAlert from '@lucide/svelte/icons/triangle-alert';
import type { AppointmentRow, Badge } from '$lib/bindings';

const ICONS: Record<Badge, typeof Check> = {
  synced: Check,
  waiting: Clock3,
  syncing: RefreshCw,
  left_out: CircleSlash,
  conflict: Split,
  problem: TriangleAlert,
  removed: Ban,
  ended: History,
};

/** Each badge has a shape of its own, so that colour is never alone. */
export const badgeIcon = (row: AppointmentRow) =>
  row.badge === 'synced' && row.moved_back ? ArrowUpRight : ICONS[row.badge];
