import type {
  AnsweredConflict,
  ConflictAnswer,
  ConflictView,
  ResolutionInput,
  RuleOffer,
  SeenView,
  ValueView,
} from '$lib/bindings';
import type { Area } from '../area';
import { answeredFor } from '../conflicts';
import { iso } from '../data';

const CLOSE_MS = 120_000;

/** The side that a resolution gives a field. */
function valueOf(conflict: ConflictView, field: string, resolution: ResolutionInput): ValueView | undefined {
  const found = conflict.fields.find((f) => f.field === field);
  if (!found) return undefined;
  const ours = Date.parse(conflict.calendar_changed_at ?? '');
  const theirs = Date.parse(conflict.platform_changed_at ?? '');
  switch (resolution.kind) {
    case 'keep_platform':
      return found.platform;
    case 'keep_calendar':
      return found.calendar;
    case 'most_recent':
      return ours > theirs ? found.calendar : found.platform;
    case 'merge': {
      const choice = resolution.choices.find((c) => c.field === field);
      if (choice?.start && choice.end)
        return { kind: 'time', start: choice.start, end: choice.end, zone: 'Europe/Berlin' };
      return choice?.choice === 'calendar' ? found.calendar : found.platform;
    }
    default:
      return undefined;
  }
}

/** Stands in for the app where it is about conflicts answered, together and alone, undone, and offered as rules. */
export const decisions: Area = ({ state, now, changed, refuse }) => {
  let answered: AnsweredConflict[] | undefined;
  let dismissed = false;
  const past = () => (answered ??= state.overview.started && state.rows.length ? answeredFor(now()) : []);

  function outcome({ id, seen, resolution }: ConflictAnswer): 'done' | ConflictView | string {
    const found = state.conflicts.find((c) => c.id === id);
    if (!found) return 'conflict_gone';
    if (seen.version !== found.seen.version || seen.etag !== found.seen.etag) return found;
    const word = resolution.kind === 'merge' && !found.choices.includes('merge') ? 'set_time' : resolution.kind;
    if (!found.choices.includes(word)) return 'not_possible';
    if (resolution.kind === 'most_recent') {
      const [a, b] = [Date.parse(found.calendar_changed_at ?? ''), Date.parse(found.platform_changed_at ?? '')];
      if (!(Math.abs(a - b) > CLOSE_MS)) return 'too_close';
    }
    const field = found.fields.find((f) => f.field === 'time');
    const time = valueOf(found, 'time', resolution);
    const reported = !!field && time?.kind === 'time' && JSON.stringify(time) !== JSON.stringify(field.platform);
    state.conflicts = state.conflicts.filter((c) => c !== found);
    past().unshift({
      conflict: found,
      resolution: resolution.kind,
      by_policy: false,
      at: iso(now()),
      undo: {
        tells_admin: reported,
        from: reported ? time : null,
        to: reported && field ? field.platform : null,
        // A marked event is no appointment, so no record is left to edit.
        not_possible: found.kind === 'created_externally' ? 'gone' : null,
      },
    });
    const owner = state.rows.find((r) => r.id === found.appointment_id);
    if (owner)
      Object.assign(owner, {
        conflict_id: null,
        badge: resolution.kind === 'stop_syncing' ? 'left_out' : 'waiting',
        reason: resolution.kind === 'stop_syncing' ? 'stopped' : 'settling',
        ...(time?.kind === 'time' && { start: time.start, end: time.end }),
      });
    return 'done';
  }

  const say = () => void changed('overview', 'conflicts', 'appointments', 'history');

  function offer(): RuleOffer | null {
    if (dismissed || state.settings.time_policy !== 'ask') return null;
    const own = past().filter((a) => !a.by_policy && a.conflict.kind === 'time_change');
    const last = own.slice(0, 3);
    const policy = last[0]?.resolution;
    if (last.length < 3 || !policy || last.some((a) => a.resolution !== policy)) return null;
    if (policy !== 'keep_platform' && policy !== 'keep_calendar' && policy !== 'most_recent') return null;
    return { about: 'time', policy, cases: last.map((a) => ({ title: a.conflict.title, at: a.at })) };
  }

  return {
    resolve_conflict: (args) => {
      const result = outcome(args as unknown as ConflictAnswer);
      if (typeof result === 'object') return structuredClone(result);
      if (result !== 'done') return refuse(result);
      say();
      return null;
    },
    resolve_conflicts: ({ answers }) => {
      const results = (answers as ConflictAnswer[]).map((answer) => {
        const result = outcome(answer);
        return { id: answer.id, result: typeof result === 'object' ? 'stale' : result };
      });
      say();
      return results;
    },
    list_answered_conflicts: () => structuredClone(past()),
    undo_conflict: ({ id }) => {
      const found = past().find((a) => a.conflict.id === id);
      if (!found) return refuse('gone');
      if (found.undo.not_possible) return refuse(found.undo.not_possible);
      answered = past().filter((a) => a !== found);
      // A new edit: both sides differ again until it is written, and the question comes back only if they still do then.
      const seen: SeenView = { ...found.conflict.seen, version: (found.conflict.seen.version ?? 0) + 1 };
      state.conflicts = [{ ...found.conflict, seen }, ...state.conflicts];
      say();
      return null;
    },
    get_rule_offer: () => offer(),
    dismiss_rule_offer: () => {
      dismissed = true;
    },
  };
};
