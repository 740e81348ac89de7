import type { RestoreItem, RestorePreview } from '$lib/bindings';
import { m } from '$lib/paraglide/messages';
import { titleWord } from './sentence';

const REASONS: Record<string, (p: { platform: string }) => string> = {
  gone: () => m.hx_np_gone(),
  over: () => m.hx_np_over(),
  changed_since: () => m.hx_np_changed_since(),
  not_editable: (p) => m.hx_np_not_editable(p),
  same: () => m.hx_np_same(),
  text_not_kept: () => m.hx_np_text_not_kept(),
  left_out: () => m.hx_np_left_out(),
  nothing: () => m.hx_np_nothing(),
  stale: () => m.hx_np_stale(),
  too_close: () => m.hx_np_too_close(),
};

/** Why a line can't be restored, in words. */
export const notPossible = (code: string, platform: string): string => REASONS[code]?.({ platform }) ?? m.hx_np_other();

/** What would happen to one appointment, as the title of its line. */
export function actionWords(item: RestoreItem): string {
  const title = titleWord(item.title);
  const calendar = m.google_calendar();
  switch (item.action) {
    case 'move':
      return m.hx_rs_move({ title });
    case 'put_back':
    case 'let_in':
      return m.hx_rs_put_back({ title, calendar });
    case 'leave_out':
      return m.hx_rs_leave_out({ title, calendar });
    case 'text':
      return m.hx_ur_text({ title });
    case 'answer':
      return m.hx_rs_answer({ title });
    default:
      return m.hx_rs_other({ title });
  }
}

export const split = (preview: RestorePreview): { possible: RestoreItem[]; impossible: RestoreItem[] } => ({
  possible: preview.items.filter((i) => !i.not_possible),
  impossible: preview.items.filter((i) => !!i.not_possible),
});
