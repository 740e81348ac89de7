import type { Preview } from '$lib/bindings';
import { m } from '$lib/paraglide/messages';

/** "24 will be added", "3 will be removed": what is more than none. */
export function previewParts(preview: Preview): string[] {
  const parts = [
    preview.added && m.pv_added({ count: preview.added }),
    preview.changed && m.pv_changed({ count: preview.changed }),
    preview.removed && m.pv_removed({ count: preview.removed }),
    preview.moved_back && m.pv_moved_back({ count: preview.moved_back }),
  ].filter((part) => part !== 0);
  return parts.length ? parts : [m.pv_nothing()];
}
