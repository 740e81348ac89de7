import { beforeEach, describe, expect, it, vi } from 'vitest';
import { toast } from 'svelte-sonner';
import type { ConflictAnswer, ConflictView, FieldView, Outcome } from '$lib/bindings';
import { useLanguage } from '$lib/i18n/locale.svelte';
import { knownProblem } from '$lib/i18n/problems';
import { undo } from '$lib/shell/undo.svelte';
import { conflictsFor } from '../../mock/data';
import { everyConflict, answeredFor, manyConflicts } from '../../mock/conflicts';
import { start } from '../../mock/ipc';
import { resolveMany, undoAnswer } from './api';
import { applyLabel, consequence, decidedWords, emptyDraft, resolution, result } from './answer';
import { answerAll, bulkLabel, consequences, offered, plan, tally } from './bulk';
import { lost, undoing, whyNot } from './decided';
import { byKind } from './kinds';
import { patchOf, ruleMeans, ruleOf, ruleWords } from './rule';
import { all, kept, NOTHING, ranged, stretched, toggled } from './selection';
import { marked } from './sides';
import { brief, card, question, story } from './story';
import { inSentence, seen, shortened } from './text';
import { offerBackAll } from './undo';

const NOW = Date.parse('2026-11-21T09:00:00Z');
const c = { platform: 'Linden Akademie', zone: 'Europe/Berlin', nowMs: NOW };
const by = (id: string): ConflictView => {
  const found = everyConflict(NOW).find((one) => one.id === id);
  if (!found) throw new Error(id);
  return found;
};
const pick = (choice: NonNullable<ReturnType<typeof emptyDraft>['choice']>) => ({ ...emptyDraft(), choice });

beforeEach(() => useLanguage('en', 'en-GB'));

describe('every kind and cause', () => {
  it('has a question, a story, a card and a line of its own, in both languages', () => {
    for (const language of ['en', 'de']) {
      useLanguage(language, language === 'en' ? 'en-GB' : 'de-DE');
      const stories = everyConflict(NOW).map((one) => `${question(one, c.platform)} ${story(one, c)}`);
      expect(new Set(stories).size).toBe(stories.length);
      for (const one of everyConflict(NOW)) {
        expect(card(one, c.platform).length, one.id).toBeGreaterThan(10);
        expect(brief(one, c).length, one.id).toBeGreaterThan(3);
        expect(`${question(one, c.platform)}${story(one, c)}${brief(one, c)}`, one.id).not.toMatch(/undefined|NaN/);
      }
    }
  });

  it('says for every answer it offers what will happen and names the button by it', () => {
    for (const one of everyConflict(NOW))
      for (const choice of ['keep_platform', 'keep_calendar', 'stop_syncing', 'create', 'dismiss'] as const) {
        if (!one.choices.includes(choice)) continue;
        expect(consequence(one, pick(choice), c).length, `${one.id} ${choice}`).toBeGreaterThan(10);
        expect(applyLabel(one, pick(choice), c), `${one.id} ${choice}`).not.toBe('Apply');
        expect(resolution(one, pick(choice))).toEqual({ kind: choice });
      }
  });

  it('deletes a cancelled series only when the platform is kept, and says so', () => {
    expect(consequence(by('cf_cancelled'), pick('keep_platform'), c)).toContain('deleted from Google Calendar');
    expect(applyLabel(by('cf_cancelled'), pick('keep_platform'), c)).toBe('Delete the series');
    expect(consequence(by('cf_cancelled'), pick('keep_calendar'), c)).toContain('stays in your calendar');
  });

  it('never promises that a refused time is taken', () => {
    const refused = { ...by('cf_2'), choices: ['keep_platform', 'keep_calendar'] };
    expect(consequence(refused, pick('keep_calendar'), c)).toMatch(/asked once more/);
    expect(applyLabel(refused, pick('keep_calendar'), c)).toMatch(/^Ask again for /);
  });

  it('asks for another time after a refusal, and does not promise that both sides move', () => {
    const time = { start: '2026-11-24T10:00:00Z', end: '2026-11-24T11:00:00Z' };
    const refused = { ...by('cf_2'), choices: ['keep_platform', 'keep_calendar', 'set_time'] };
    expect(consequence(refused, { ...pick('set_time'), time }, c)).toMatch(
      /^Asks Linden Akademie for Tue.*if it says no/,
    );
    expect(consequence(by('cf_all_day'), { ...pick('set_time'), time }, c)).toMatch(/^Both sides move/);
  });

  it('tells refused notes as notes, not as a move', () => {
    const notes: FieldView = {
      field: 'notes',
      reported: true,
      before: { kind: 'unknown' },
      platform: { kind: 'text', text: 'a' },
      calendar: { kind: 'text', text: 'b' },
    };
    const refused = {
      ...by('cf_2'),
      refusal_reason: 'locked',
      refusal_detail: null,
      fields: [notes],
      choices: ['keep_platform', 'keep_calendar', 'stop_syncing'],
    };
    for (const language of ['en', 'de']) {
      useLanguage(language, language === 'en' ? 'en-GB' : 'de-DE');
      const said = [card(refused, c.platform), question(refused, c.platform), story(refused, c), brief(refused, c)];
      for (const words of [...said, consequence(refused, pick('keep_calendar'), c)]) {
        expect(words).toMatch(/notes|Notizen/);
        expect(words).not.toMatch(/move|verschieb/i);
      }
    }
    useLanguage('en', 'en-GB');
    expect(consequence(refused, pick('keep_calendar'), c)).toMatch(/asked once more/);
    expect(applyLabel(refused, pick('keep_calendar'), c)).toBe('Ask again');
    expect(consequences([refused], 'keep_calendar', c)).toEqual([
      expect.stringMatching(/asked once more to take the notes/),
    ]);
  });

  it('does not call notes that the platform gets the calendar’s own', () => {
    const text = { kind: 'text', text: 'a' } as const;
    const field = (name: string, reported: boolean): FieldView => ({
      field: name,
      reported,
      before: text,
      platform: text,
      calendar: { kind: 'text', text: 'b' },
    });
    const about = (...fields: FieldView[]) => ({ ...by('cf_base'), fields });
    const [notes, own, title] = [field('notes', true), field('notes', false), field('title', false)];
    const said = (...fields: FieldView[]) => consequence(about(...fields), pick('keep_calendar'), c);
    expect(said(notes)).toBe('Linden Akademie gets your notes, and may tell the admin.');
    expect(said(notes, title)).toMatch(/gets your notes.*The rest of your text stays in the calendar only/);
    expect(said(own)).toBe('Your text stays in the calendar. Linden Akademie keeps its own.');
    expect(consequences([about(notes), about(own)], 'keep_calendar', c)).toEqual([
      'Linden Akademie gets your notes of one appointment, and may tell the admin.',
      'One text stays yours in the calendar; Linden Akademie keeps its own.',
    ]);
    const mixed = { ...pick('merge'), merge: { notes: 'calendar', title: 'platform' } as never };
    expect(consequence(about(notes, title), mixed, c)).toContain('gets your notes');
    expect(consequence(about(own, title), mixed, c)).not.toContain('gets your notes');
    expect(ruleMeans({ about: 'text', policy: 'keep_calendar' }, c)).toContain('gets notes that it lets you edit');
  });

  it('does not send "most recent" where both came within two minutes', () => {
    expect(resolution(by('cf_close'), pick('most_recent'))).toBeNull();
    expect(consequence(by('cf_close'), pick('most_recent'), c)).toContain('within two minutes');
    expect(resolution(by('cf_1'), pick('most_recent'))).toEqual({ kind: 'most_recent' });
    expect(applyLabel(by('cf_1'), pick('most_recent'), c)).toMatch(/^Keep Mon/);
  });

  it('lists how each field will be after a merge, and tells of the admin only if the time is reported', () => {
    const draft = { ...pick('merge'), merge: { time: 'platform', location: 'calendar' } as never };
    expect(consequence(by('cf_3'), draft, c)).toBe('Still to choose: notes.');
    expect(result(by('cf_3'), draft, c)).toEqual([]);
    const whole = { ...draft, merge: { time: 'platform', location: 'calendar', notes: 'calendar' } as never };
    expect(result(by('cf_3'), whole, c).map((l) => l.from)).toEqual([
      'Linden Akademie',
      'Google Calendar',
      'Google Calendar',
    ]);
    expect(consequence(by('cf_3'), whole, c)).not.toContain('tells the admin');
    const told = { ...whole, merge: { time: 'calendar', location: 'calendar', notes: 'calendar' } as never };
    expect(consequence(by('cf_3'), told, c)).toContain('tells the admin');
  });
});

describe('text that somebody typed', () => {
  const notes = (platform: string, calendar: string): FieldView => ({
    field: 'notes',
    reported: false,
    before: { kind: 'unknown' },
    platform: { kind: 'text', text: platform },
    calendar: { kind: 'text', text: calendar },
  });
  const whole = (field: FieldView, side: 'platform' | 'calendar') =>
    marked(field, side)
      .map((p) => p.text)
      .join('');
  const changed = (field: FieldView, side: 'platform' | 'calendar') =>
    marked(field, side)
      .filter((p) => p.changed)
      .flatMap((p) => seen(p.text));

  it('shows the signs nobody sees, where they are the difference', () => {
    const field = notes('Apo\u200btheke \u202etest', 'Apotheke test');
    expect(changed(field, 'platform').filter((p) => p.sign)).toEqual([
      { text: 'U+200B', sign: true },
      { text: 'U+202E', sign: true },
    ]);
    expect(changed(field, 'calendar').some((p) => p.sign)).toBe(false);
    expect(changed(notes('a\u00a0b', 'a b'), 'platform')).toEqual([{ text: 'U+00A0', sign: true }]);
    expect(changed(notes('a\u00a0b', 'a b'), 'calendar')).toEqual([{ text: '␣', sign: true }]);
  });

  it('keeps a picture of several signs whole', () => {
    expect(seen('👩‍⚕️ da')).toEqual([{ text: '👩‍⚕️ da', sign: false }]);
    expect(whole(notes('👩‍⚕️ a', '👨‍⚕️ a'), 'platform')).toBe('👩‍⚕️ a');
    expect(changed(notes('👩‍⚕️ a', '👨‍⚕️ a'), 'platform')).toEqual([{ text: '👩‍⚕️', sign: false }]);
  });

  it('loses nothing of 10,000 characters that have little in common, and is quick about it', () => {
    const [a, b] = [
      Array.from({ length: 2_500 }, (_, i) => `a${i * 7}`).join(' '),
      Array.from({ length: 2_500 }, (_, i) => `b${i * 3}`).join(' '),
    ];
    expect(whole(notes(a, b), 'platform')).toBe(a);
    expect(whole(notes(a, b), 'calendar')).toBe(b);
  });

  it('never cuts a sign in two where long texts part', () => {
    const [a, b] = ['😀'.repeat(3_000), '😃'.repeat(3_000)];
    expect(whole(notes(a, b), 'platform')).toBe(a);
    const long = shortened([
      { text: '😀'.repeat(500), changed: false },
      { text: 'x', changed: true },
    ]);
    expect(long.cut).toBe(true);
    expect(long.parts[0]?.text).not.toMatch(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/);
    expect(long.parts[1]).toEqual({ text: 'x', changed: true });
  });

  it('cannot turn a sentence around or run on for ever in it', () => {
    expect(inSentence('\u202eekehtopA\n\n B')).toBe('ekehtopA B');
    expect([...inSentence('x'.repeat(10_000))].length).toBe(90);
    expect(inSentence('صيدلية')).toBe('\u2068صيدلية\u2069');
    expect(inSentence(' \u200b ')).toBe('an appointment');
    expect(inSentence('<b>x</b>')).toBe('<b>x</b>');
  });
});

describe('many at once', () => {
  it('counts what changes and how often the admin is told', () => {
    const many = manyConflicts(NOW).filter((one) => one.kind === 'time_change');
    expect(consequences(many, 'keep_platform', c)).toEqual([
      `${many.length} events change in your calendar.`,
      'The admin hears nothing.',
    ]);
    expect(consequences(many, 'keep_calendar', c)).toEqual([
      `${many.length} moves are reported to Linden Akademie.`,
      `The admin is told ${many.length} times.`,
    ]);
    expect(bulkLabel('keep_platform', 50, c)).toBe('Keep Linden Akademie’s for 50');
  });

  it('leaves out what cannot be answered like this, with the reason', () => {
    const made = plan(everyConflict(NOW), 'most_recent');
    expect(made.can.map((one) => one.id)).toEqual(['cf_1', 'cf_3', 'cf_hostile']);
    expect(made.cannot.find((one) => one.conflict.id === 'cf_close')?.why).toBe('too_close');
    expect(made.cannot.find((one) => one.conflict.id === 'cf_created')?.why).toBe('not_possible');
    expect(offered([by('cf_created')]).map((o) => o.choice)).toEqual(['create', 'dismiss']);
    expect(byKind(everyConflict(NOW)).map((k) => k.count)).toEqual([2, 5, 1, 5, 1, 1]);
  });

  it('sends what was seen of each, in groups, and stops when asked to', async () => {
    const many = manyConflicts(NOW);
    const sent: ConflictAnswer[][] = [];
    vi.stubGlobal('__TAURI_INTERNALS__', {
      invoke: async (_: string, { answers }: { answers: ConflictAnswer[] }): Promise<Outcome[]> => {
        sent.push(answers);
        return answers.map(({ id }, i) => ({ id, result: i === 3 ? 'stale' : 'done' }));
      },
    });
    const seenDone: number[] = [];
    const outcomes = await answerAll(
      many,
      { kind: 'keep_platform' },
      (n) => seenDone.push(n),
      () => sent.length === 3,
    );
    expect(sent.map((group) => group.length)).toEqual([10, 10, 10]);
    expect(sent[1]?.[0]).toEqual({ id: many[10]?.id, seen: many[10]?.seen, resolution: { kind: 'keep_platform' } });
    expect(seenDone).toEqual([10, 20, 30]);
    expect(tally(outcomes)).toEqual({ done: 27, changed: 3, left: 0 });
    vi.unstubAllGlobals();
  });

  it('selects one, a range, further by Shift and an arrow, and back', () => {
    const order = ['a', 'b', 'c', 'd', 'e'];
    const ids = (s: { ids: ReadonlySet<string> }) => order.filter((id) => s.ids.has(id)).join('');
    const one = toggled(NOTHING, 'b');
    expect(ids(one)).toBe('b');
    expect(ids(toggled(one, 'b'))).toBe('');
    expect(ids(ranged(one, order, 'd'))).toBe('bcd');
    expect(ids(ranged(one, order, 'a'))).toBe('ab');
    const two = stretched(one, order, 'b', 'c');
    const three = stretched(two, order, 'c', 'd');
    expect(ids(three)).toBe('bcd');
    expect(ids(stretched(three, order, 'd', 'c'))).toBe('bc');
    expect(ids(all(order))).toBe('abcde');
    expect(ids(kept(all(order), ['a', 'e']))).toBe('ae');
  });
});

describe('what was decided', () => {
  const answered = answeredFor(NOW);
  const one = (id: string) => answered.find((a) => a.conflict.id === id) as (typeof answered)[number];

  it('says what undoing does, and that the admin is told again', () => {
    expect(undoing(one('cf_a1'), c).join(' ')).toMatch(/back to .*11:00\..*admin will be told again/);
    expect(undoing(one('cf_a2'), c)).toContain('Nobody is told.');
    expect(whyNot(one('cf_a1'), c)).toBeNull();
    expect(whyNot(one('cf_a3'), c)).toContain('has changed since');
    expect(whyNot(one('cf_a5'), c)).toContain('is over');
    for (const answer of ['create', 'dismiss'])
      expect(whyNot({ ...one('cf_a4'), resolution: answer }, c)).toBe('This answer is final: it can’t be undone here.');
    const why = (code: string) => whyNot({ ...one('cf_a1'), undo: { ...one('cf_a1').undo, not_possible: code } }, c);
    // The codes of `Why` in crates/core/src/undo.rs: each with words of its own, also where undoing is refused.
    const codes = ['gone', 'over', 'changed_since', 'not_editable', 'same', 'text_not_kept', 'left_out', 'nothing'];
    expect(new Set(codes.map(why)).size).toBe(codes.length);
    expect(why('newer_code')).toBeTruthy();
    for (const code of codes) expect(knownProblem(code), code).toBe(true);
  });

  it('offers a copy of the text that lost', () => {
    const [notes] = one('cf_a2').conflict.fields;
    expect(lost(one('cf_a2'), notes as FieldView)).toEqual(['calendar']);
    expect(decidedWords(one('cf_a2').conflict, 'keep_platform', c)).toBe('Linden Akademie’s version kept');
    expect(decidedWords(conflictsFor(NOW)[0] as ConflictView, 'keep_calendar', c)).toMatch(/^Google Calendar’s kept: /);
  });

  it('makes a rule of an offer it has words for, and of no other', () => {
    const offer = { about: 'text', policy: 'keep_calendar', cases: [] };
    const rule = ruleOf(offer);
    expect(rule && ruleWords(rule, c)).toBe('Always keep my wording');
    expect(rule && patchOf(rule)).toEqual({ text_policy: 'keep_calendar' });
    expect(ruleOf({ ...offer, policy: 'merge' })).toBeNull();
    expect(ruleOf({ ...offer, about: 'colour' })).toBeNull();
  });
});

describe('undoing many', () => {
  it('goes on after one that can’t be, says how many, and leaves out what is final', async () => {
    const app = start('conflicts', { language: 'en', slowMs: 0 });
    const rows = manyConflicts(Date.now(), 3);
    const marked = { ...(rows[0] as ConflictView), id: 'cf_marked', kind: 'created_externally', choices: ['dismiss'] };
    app.state.conflicts = [...rows, marked];
    const decided = [...rows, marked];
    await resolveMany(
      decided.map(({ id, seen, kind }) => ({
        id,
        seen,
        resolution: { kind: kind === 'created_externally' ? 'dismiss' : 'keep_platform' },
      })),
    );
    expect(app.state.conflicts).toEqual([]);
    // The last answer is undone first: it was taken back elsewhere meanwhile.
    await undoAnswer('cf_m3');
    const [failed, went] = [vi.spyOn(toast, 'error'), vi.spyOn(toast, 'success')];
    offerBackAll(decided, 'Four decisions made');
    undo.newest();
    await vi.waitFor(() => expect(app.state.conflicts.map((c) => c.id).sort()).toEqual(['cf_m1', 'cf_m2', 'cf_m3']));
    await vi.waitFor(() => expect(failed.mock.calls.map(([text]) => text)).toEqual(['One answer couldn’t be undone']));
    await vi.waitFor(() => expect(went.mock.calls.map(([text]) => text)).toContain('2 answers undone'));
    went.mockClear();
    offerBackAll([marked], 'One decision made');
    expect(undo.possible).toBe(false);
    expect(went.mock.calls).toEqual([['One decision made']]);
    vi.restoreAllMocks();
  });
});
