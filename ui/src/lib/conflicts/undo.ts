import { toast } from 'svelte-sonner';
import type { ConflictView } from '$lib/bindings';
import { asCommandError, type CommandError } from '$lib/command';
import type { Context } from '$lib/history/sentence';
import { problemWords } from '$lib/i18n/problems';
import { platformName } from '$lib/overview/state.svelte';
import { m } from '$lib/paraglide/messages';
import { offerUndo } from '$lib/shell/undo.svelte';
import { decidedWords } from './answer';
import { undoAnswer } from './api';
import { isFinal } from './decided';
import { answered, conflicts } from './state.svelte';
import { titleOf } from './text';

const again = () => Promise.all([conflicts.refresh(), answered.value ? answered.refresh() : undefined]);

/** After an answer: what was decided, and the way back where there is one. */
export function offerBack(conflict: ConflictView, answer: string, c: Context): void {
  const text = m.dc_toast({ title: titleOf(conflict), what: decidedWords(conflict, answer, c) });
  if (isFinal(conflict)) {
    toast.success(text, { description: m.dc_un_final() });
    return;
  }
  offerUndo({
    text,
    more: m.cf_kept_history(),
    undo: async () => {
      await undoAnswer(conflict.id);
      await again();
    },
    undone: m.dc_undone(),
  });
}

/** The same for many: each is undone by itself, the last first, and one that can't be doesn't stop the others. */
export function offerBackAll(decided: ConflictView[], text: string): void {
  const ids = decided.filter((conflict) => !isFinal(conflict)).map((conflict) => conflict.id);
  if (!ids.length) {
    toast.success(text);
    return;
  }
  let done = 0;
  offerUndo({
    text,
    more: m.cf_kept_history(),
    undo: async () => {
      let first: CommandError | undefined;
      for (const id of [...ids].reverse())
        try {
          await undoAnswer(id);
          done += 1;
        } catch (e) {
          first ??= asCommandError(e);
        }
      if (first)
        toast.error(m.dc_not_undone({ count: ids.length - done }), {
          description: problemWords(first.code, platformName()).title,
          duration: 12_000,
        });
      await again();
    },
    undone: () => (done ? m.dc_undone_many({ count: done }) : undefined),
  });
}
