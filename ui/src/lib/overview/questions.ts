import type { QuestionView } from '$lib/bindings';
import { m } from '$lib/paraglide/messages';

export type QuestionWords = { title: string; why: string; yes: string; no: string };

/** "Yes" always means: go on with the writes that were stopped. */
export function questionWords(question: QuestionView, platform: string): QuestionWords {
  const { count } = question;
  switch (question.kind) {
    case 'cancellations':
      return {
        title: m.q_cancellations({ count, platform }),
        why: m.q_cancellations_why(),
        yes: m.q_go_take_out({ count }),
        no: m.q_no_keep(),
      };
    case 'moves':
      return {
        title: m.q_moves({ count, platform }),
        why: m.q_moves_why(),
        yes: m.q_go_report({ count }),
        no: m.q_no_report(),
      };
    case 'removed_in_calendar':
      return {
        title: m.q_removed_in_calendar({ count }),
        why: m.q_removed_in_calendar_why(),
        yes: m.q_go_put_back({ count }),
        no: m.q_no_leave(),
      };
    default:
      return {
        title: m.q_inferred_deletions({ count }),
        why: m.q_inferred_deletions_why(),
        yes: m.q_go_take_out({ count }),
        no: m.q_no_keep(),
      };
  }
}
