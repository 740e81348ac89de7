import type { Preview, PreviewItem } from '$lib/bindings';
import { addDays, dayKey, list } from '$lib/i18n/time';
import { m } from '$lib/paraglide/messages';

export type Day = { key: string; at: number; items: PreviewItem[] };

/** The items of the next seven days, day by day; a move counts where it goes. */
export function nextSevenDays(items: PreviewItem[], zone: string, nowMs: number): Day[] {
  const today = dayKey(nowMs, zone);
  return Array.from({ length: 7 }, (_, n) => {
    const key = addDays(today, n);
    // Noon in UTC is on that day in every zone that people live in but one.
    return {
      key,
      at: Date.parse(`${key}T12:00:00Z`),
      items: items.filter((i) => dayKey(i.start, zone) === key),
    };
  });
}

const COUNTS: Record<string, (i: { count: number }) => string> = {
  added: (i) => m.st_n_add(i),
  changed: (i) => m.st_n_change(i),
  removed: (i) => m.st_n_remove(i),
  moved_back: (i) => m.st_n_report(i),
};

/** "2 removed, 1 changed" for a day; none if nothing happens there. */
export function dayWords(items: PreviewItem[]): string {
  const parts = Object.entries(COUNTS).flatMap(([action, word]) => {
    const count = items.filter((i) => i.action === action).length;
    return count ? [word({ count })] : [];
  });
  return parts.length ? parts.join(', ') : m.st_dry_untouched();
}

/** "Apply: remove 24 events" – a button is named by what it does. */
export function applyWords(preview: Preview): string {
  const parts = [
    preview.removed && m.st_do_remove({ count: preview.removed }),
    preview.added && m.st_do_add({ count: preview.added }),
    preview.changed && m.st_do_change({ count: preview.changed }),
    preview.moved_back && m.st_do_report({ count: preview.moved_back }),
  ].filter((part) => part !== 0);
  return parts.length ? m.st_apply({ what: list(parts) }) : m.st_apply_plain();
}
