import type { Overview } from '$lib/bindings';
import { problemWords } from '$lib/i18n/problems';
import { number } from '$lib/i18n/time';
import { m } from '$lib/paraglide/messages';
import { accountName, endTime, rest } from './status';

/** The answer to "is my calendar right?" in one sentence, and the rest of the truth in a second one. */
export type Headline = { title: string; sub: string };

const NUMBERS = [m.num_1, m.num_2, m.num_3, m.num_4, m.num_5, m.num_6, m.num_7, m.num_8, m.num_9];

/** "Two", "12": small numbers are words. */
export const numberWord = (n: number): string => NUMBERS[n - 1]?.() ?? number(n);

/** That nothing is synced because the trainer wants none now, whatever else is said first. */
export function restWords(overview: Overview, nowMs: number): string | null {
  const why = rest(overview);
  if (why === 'off') return m.head_off();
  if (why === null) return null;
  return overview.paused_until
    ? m.head_paused_until({ time: endTime(overview.paused_until, overview.time_zone, nowMs) })
    : m.head_paused();
}

export function headline(overview: Overview, nowMs: number): Headline {
  const platform = accountName(overview.platform);
  const calendar = m.google_calendar();
  const zone = overview.time_zone;
  switch (overview.state) {
    case 'starting':
      return { title: m.head_starting(), sub: m.head_starting_sub() };
    case 'not_connected':
      return overview.problem
        ? fromProblem(overview, platform)
        : { title: m.head_not_connected(), sub: m.head_not_connected_sub({ platform }) };
    case 'needs_attention':
      return attention(overview, platform, calendar, nowMs);
    case 'offline':
      // "Waiting" for one service only: then it isn't the network, and that one is named.
      if (overview.problem && overview.problem.code !== 'offline') return troubled(overview, platform, calendar, nowMs);
      return {
        title: m.head_offline(),
        sub: overview.as_of
          ? m.head_offline_sub({ time: endTime(overview.as_of, zone, nowMs) })
          : m.head_offline_sub_never(),
      };
    case 'paused':
      // What is turned off does not go on when a pause ends.
      if (rest(overview) === 'off') return { title: m.head_off(), sub: m.head_off_sub() };
      if (rest(overview) === 'paused') return { title: restWords(overview, nowMs) ?? '', sub: m.head_paused_sub() };
      if (overview.problem?.code !== 'sync_disabled') return { title: m.head_off(), sub: m.head_off_sub() };
      return {
        title: m.head_paused_platform({ platform }),
        sub: [DISABLED[overview.problem.detail ?? '']?.(), m.head_paused_platform_sub()].filter(Boolean).join(' '),
      };
    case 'syncing':
      return {
        title: m.head_syncing(),
        sub: overview.progress?.total
          ? m.head_syncing_progress({ done: overview.progress.done, total: overview.progress.total })
          : m.head_syncing_reading(),
      };
    case 'up_to_date':
      return overview.counts.appointments === 0
        ? { title: m.head_right_nothing(), sub: m.head_right_nothing_sub({ platform, calendar }) }
        : { title: m.head_right(), sub: numbers(overview, calendar) };
  }
}

const DISABLED: Record<string, () => string> = {
  disabled_by_admin: () => m.sd_disabled_by_admin(),
  maintenance: () => m.sd_maintenance(),
  kill_switch: () => m.sd_kill_switch(),
};

/** What is wrong, and what is still true, as of when; the card beside it says why. */
function troubled(overview: Overview, platform: string, calendar: string, nowMs: number): Headline {
  const { title, sub } = fromProblem(overview, platform);
  const text = numbers(overview, calendar);
  if (!text) return { title, sub };
  return {
    title,
    sub: overview.as_of ? m.head_as_of({ time: endTime(overview.as_of, overview.time_zone, nowMs), text }) : text,
  };
}

const fromProblem = (overview: Overview, platform: string): Headline => {
  const words = problemWords(overview.problem?.code, platform, overview.problem?.detail);
  return { title: words.title, sub: words.why };
};

function attention(overview: Overview, platform: string, calendar: string, nowMs: number): Headline {
  const { counts, questions, problem } = overview;
  // A badge stands on an appointment; an event that was marked waits for a decision and has none.
  const open = overview.conflicts.length;
  if (problem && problem.code !== 'writes_failed') return troubled(overview, platform, calendar, nowMs);
  const asked: string[] = [];
  if (open > 0) asked.push(m.head_decisions({ count: open, word: numberWord(open) }));
  else if (questions.length > 0)
    asked.push(m.head_question({ count: questions.length, word: numberWord(questions.length) }));
  else if (counts.problems > 0) {
    const { unreadable } = counts;
    const unwritten = counts.problems - unreadable;
    if (unwritten > 0) asked.push(m.head_writes({ count: unwritten, word: numberWord(unwritten) }));
    if (unreadable > 0) asked.push(m.head_reads({ count: unreadable, word: numberWord(unreadable) }));
  } else
    return problem ? fromProblem(overview, platform) : { title: m.head_attention(), sub: numbers(overview, calendar) };
  // While nothing is read, how many are right is known as of some moment only.
  const rests = rest(overview) !== null || overview.next_sync_at === null;
  // "The rest is right" is said only where it is true.
  const restRight =
    counts.waiting === 0 && questions.length === 0 && (open === 0 || counts.problems === 0) && overview.as_of !== null;
  if (restRight && !rests) asked.push(m.head_rest_right());
  const text = numbers(overview, calendar);
  const asOf = rests && text ? overview.as_of : null;
  const time = asOf && endTime(asOf, overview.time_zone, nowMs);
  return { title: asked.join(' '), sub: time ? m.head_as_of({ time, text }) : text };
}

/** One of the numbers: what it says, and the list behind it. */
export type Fact = { text: string; path: string; query: Record<string, string> };

/** How many are right, and where each of the others is; each number leads to its list. */
export function facts(overview: Overview, calendar: string): Fact[] {
  const { appointments, synced, waiting, left_out, conflicts, problems, unreadable } = overview.counts;
  if (appointments === 0) return [];
  const list = (text: string, state?: string): Fact => ({
    text,
    path: '/appointments',
    query: state ? { state } : {},
  });
  const parts = [
    synced === appointments
      ? list(m.head_all_in({ count: appointments, calendar }))
      : list(m.head_some_in({ count: appointments, synced: number(synced), calendar }), 'synced'),
  ];
  if (waiting > 0) parts.push(list(m.head_waiting({ count: waiting }), 'waiting'));
  if (left_out > 0) parts.push(list(m.head_left_out({ count: left_out }), 'left_out'));
  // Each appointment is counted once; what is in no other number was removed by hand, in the calendar.
  const removed = appointments - synced - waiting - left_out - conflicts - problems;
  if (removed > 0) parts.push(list(m.head_removed({ count: removed }), 'removed'));
  const problem = (text: string): Fact => ({ text, path: '/history', query: { result: 'problem' } });
  if (problems > unreadable) parts.push(problem(m.head_problems({ count: problems - unreadable })));
  if (unreadable > 0) parts.push(problem(m.head_unread({ count: unreadable })));
  return parts;
}

/** The same as one text. */
export const numbers = (overview: Overview, calendar: string): string =>
  facts(overview, calendar)
    .map(({ text }) => text)
    .join(' ');
