import type { ConflictView } from '$lib/bindings';
import type { Context } from '$lib/history/sentence';
import { m } from '$lib/paraglide/messages';
import { offerUndo } from '$lib/shell/undo.svelte';
import { decidedWords } from './answer';
import { undoAnswer } from './api';
import { answered, conflicts } from './state.svelte';
import { titleOf } from './text';

const again = () => Promise.all([conflicts.refresh(), answered.value ? answered.refresh() : undefined]);

/** After an answer: what was decided, and the way back. */
export function offerBack(conflict: ConflictView, answer: string, c: Context): void {
  offerUndo({
    text: m.dc_toast({ title: titleOf(conflict), what: decidedWords(conflict, answer, c) }),
    more: m.cf_kept_history(),
    undo: async () => {
      await undoAnswer(conflict.id);
      await again();
    },
    undone: m.dc_undone(),
  });
}

/** The same for many: each is undone by itself, the last first. */
export function offerBackAll(ids: string[], text: string): void {
  offerUndo({
    text,
    more: m.cf_kept_history(),
    undo: async () => {
      try {
        for (const id of [...ids].reverse()) await undoAnswer(id);
      } finally {
        await again();
      }
    },
    undone: m.dc_undone_many({ count: ids.length }),
  });
}
