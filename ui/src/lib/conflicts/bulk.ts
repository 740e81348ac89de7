import type { ConflictView, Outcome, ResolutionInput } from '$lib/bindings';
import type { Context } from '$lib/history/sentence';
import { m } from '$lib/paraglide/messages';
import { number } from '$lib/i18n/time';
import { sideName, winner } from './answer';
import { resolveMany } from './api';
import { later } from './sides';
import { refusedNotes, timeField } from './story';

/** Answers that need nothing but themselves, so that many conflicts can get the same one. */
export const BULK = ['keep_platform', 'keep_calendar', 'most_recent', 'create', 'dismiss', 'stop_syncing'] as const;
export type BulkChoice = (typeof BULK)[number];

export type Why = 'not_possible' | 'too_close';
export type Plan = { can: ConflictView[]; cannot: { conflict: ConflictView; why: Why }[] };

/** Why this conflict can't be answered like this; none if it can. */
export const obstacle = (conflict: ConflictView, choice: BulkChoice): Why | null =>
  !conflict.choices.includes(choice)
    ? 'not_possible'
    : choice === 'most_recent' && !later(conflict)
      ? 'too_close'
      : null;

export function plan(selected: ConflictView[], choice: BulkChoice): Plan {
  const made: Plan = { can: [], cannot: [] };
  for (const conflict of selected) {
    const why = obstacle(conflict, choice);
    if (why) made.cannot.push({ conflict, why });
    else made.can.push(conflict);
  }
  return made;
}

/** The answers that fit at least one of the selected, with how many each fits. */
export const offered = (selected: ConflictView[]): { choice: BulkChoice; count: number }[] =>
  BULK.map((choice) => ({ choice, count: plan(selected, choice).can.length })).filter((o) => o.count > 0);

/** The button is named by its result. */
export function bulkLabel(choice: BulkChoice, count: number, c: Context): string {
  const n = number(count);
  switch (choice) {
    case 'keep_platform':
      return m.dc_b_keep({ side: c.platform, n });
    case 'keep_calendar':
      return m.dc_b_keep({ side: m.google_calendar(), n });
    case 'most_recent':
      return m.dc_b_recent({ n });
    case 'stop_syncing':
      return m.dc_b_stop({ n });
    case 'create':
      return m.dc_b_create({ count });
    case 'dismiss':
      return m.dc_b_dismiss({ n });
  }
}

/** What it means, counted: what changes in the calendar, what is reported, and how often the admin is told. */
export function consequences(can: ConflictView[], choice: BulkChoice, c: Context): string[] {
  const { platform } = c;
  if (choice === 'stop_syncing') return [m.dc_bc_stop({ count: can.length })];
  if (choice === 'create') return [m.dc_bc_create({ count: can.length, platform })];
  if (choice === 'dismiss') return [m.dc_bc_dismiss({ count: can.length })];
  const n = {
    calendar: 0,
    reported: 0,
    asked: 0,
    askedNotes: 0,
    notes: 0,
    texts: 0,
    back: 0,
    out: 0,
    series: 0,
    alone: 0,
  };
  for (const conflict of can) {
    const side = winner(conflict, choice);
    if (conflict.cause === 'series_cancelled') n[side === 'platform' ? 'series' : 'alone'] += 1;
    else if (conflict.kind === 'deleted') n[side === 'platform' ? 'back' : 'out'] += 1;
    else if (side === 'platform') n.calendar += 1;
    else if (refusedNotes(conflict)) n.askedNotes += 1;
    else if (!timeField(conflict)) n[conflict.fields.some((f) => f.reported) ? 'notes' : 'texts'] += 1;
    else if (conflict.kind === 'refused') n.asked += 1;
    else n.reported += 1;
  }
  const said: (string | number)[] = [
    n.calendar && m.dc_bc_calendar({ count: n.calendar }),
    n.back && m.dc_bc_back({ count: n.back }),
    n.series && m.dc_bc_series({ count: n.series }),
    n.reported && m.dc_bc_reported({ count: n.reported, platform }),
    n.reported && m.dc_bc_told({ count: n.reported }),
    // Whether the platform agrees this time nobody knows yet, so these are not counted as told.
    n.asked && m.dc_bc_asked({ count: n.asked, platform }),
    n.askedNotes && m.dc_bc_asked_notes({ count: n.askedNotes, platform }),
    n.notes && m.dc_bc_notes({ count: n.notes, platform }),
    n.texts && m.dc_bc_texts({ count: n.texts, platform }),
    n.out && m.dc_bc_out({ count: n.out }),
    n.alone && m.dc_bc_alone({ count: n.alone }),
    n.reported || n.asked || n.askedNotes || n.notes ? 0 : m.dc_bc_nobody(),
  ];
  return said.filter((s) => typeof s === 'string');
}

/** How an answer goes for one of the list: which side it takes. */
export const goesTo = (conflict: ConflictView, choice: BulkChoice, c: Context): string => {
  const side = winner(conflict, choice);
  return side ? sideName(side, c) : '';
};

/** Small groups, so that there is something to show and a place to stop at. */
const GROUP = 10;

/**
 * Answers them group by group and says how far it is. What was shown goes along for each: one that changed meanwhile
 * is left as it is, and says so. Ends early when asked to, after the group under way.
 */
export async function answerAll(
  can: ConflictView[],
  resolution: ResolutionInput,
  onprogress: (done: number) => void,
  stopped: () => boolean,
): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (let at = 0; at < can.length && !stopped(); at += GROUP) {
    const group = can.slice(at, at + GROUP);
    try {
      outcomes.push(...(await resolveMany(group.map(({ id, seen }) => ({ id, seen, resolution })))));
    } catch (e) {
      // What was answered before stays answered, and has to be told; only a first group that goes wrong is an error.
      if (!outcomes.length) throw e;
      outcomes.push(...group.map(({ id }) => ({ id, result: 'not_sent' })));
      break;
    }
    onprogress(outcomes.length);
  }
  return outcomes;
}

const RESULTS: Record<string, () => string> = {
  done: () => m.dc_r_done(),
  stale: () => m.dc_r_stale(),
  gone: () => m.dc_r_gone(),
  conflict_gone: () => m.dc_r_gone(),
  not_possible: () => m.dc_r_not_possible(),
  too_close: () => m.dc_r_too_close(),
  not_sent: () => m.dc_r_not_sent(),
};
export const resultWord = (result: string): string => RESULTS[result]?.() ?? m.dc_r_not_possible();

/** Done, changed meanwhile, not possible: the three that a summary counts. */
export function tally(outcomes: Outcome[]): { done: number; changed: number; left: number } {
  const done = outcomes.filter((o) => o.result === 'done').length;
  const changed = outcomes.filter((o) => ['stale', 'gone', 'conflict_gone'].includes(o.result)).length;
  return { done, changed, left: outcomes.length - done - changed };
}
