import { beforeEach, describe, expect, it } from 'vitest';
import type { ConflictView, FieldView } from '$lib/bindings';
import { useLanguage } from '$lib/i18n/locale.svelte';
import { conflictsFor } from '../../mock/data';
import { applyLabel, consequence, emptyDraft, resolution } from './answer';
import { later, marked, origin, sideValue, SIDES } from './sides';
import { story } from './story';

const NOW = Date.parse('2026-11-21T09:00:00Z');
const context = { platform: 'Linden Akademie', zone: 'Europe/Berlin', nowMs: NOW };
const conflict = (i: number) => conflictsFor(NOW)[i] as ConflictView;

const text = (platform: string, calendar: string): FieldView => ({
  field: 'notes',
  reported: false,
  before: { kind: 'unknown' },
  platform: { kind: 'text', text: platform },
  calendar: { kind: 'text', text: calendar },
});

describe('sides', () => {
  beforeEach(() => useLanguage('en', 'en-GB'));

  it('keeps the platform left and dates with their side when the data is swapped', () => {
    const one = conflict(0);
    const swapped: ConflictView = {
      ...one,
      platform_changed_at: one.calendar_changed_at,
      calendar_changed_at: one.platform_changed_at,
      fields: one.fields.map((f) => ({ ...f, platform: f.calendar, calendar: f.platform })),
    };
    expect(SIDES).toEqual(['platform', 'calendar']);
    expect(origin(one, 'platform').at).toBe(one.platform_changed_at);
    expect(origin(swapped, 'platform').at).toBe(one.calendar_changed_at);
    expect(origin(swapped, 'calendar').at).toBe(one.platform_changed_at);
    const [a, b] = [one.fields[0], swapped.fields[0]] as [FieldView, FieldView];
    expect(sideValue(b, 'platform')).toEqual(sideValue(a, 'calendar'));
    expect(sideValue(b, 'calendar')).toEqual(sideValue(a, 'platform'));
  });

  it('never gives the calendar the author of the platform', () => {
    expect(origin(conflict(0), 'platform').by).toBe('Jana Roth');
    expect(origin(conflict(0), 'calendar').by).toBeNull();
  });

  it('marks the words that only one side has, each on its own side', () => {
    const field = text('Bring the blue handouts.', 'Bring the handouts today.');
    const words = (side: 'platform' | 'calendar') =>
      marked(field, side)
        .filter((p) => p.changed)
        .map((p) => p.text);
    expect(words('platform')).toEqual(['blue']);
    expect(words('calendar')).toEqual(['today']);
    expect(
      marked(field, 'platform')
        .map((p) => p.text)
        .join(''),
    ).toBe('Bring the blue handouts.');
    expect(
      marked(field, 'calendar')
        .map((p) => p.text)
        .join(''),
    ).toBe('Bring the handouts today.');
  });

  it('treats markup as text', () => {
    const field = text('<b>x</b>', '<script>1</script>');
    expect(
      marked(field, 'calendar')
        .map((p) => p.text)
        .join(''),
    ).toBe('<script>1</script>');
  });

  it('does not say which is later if they are less than two minutes apart', () => {
    const one = conflict(0);
    expect(later(one)).toBe('calendar');
    expect(
      later({
        ...one,
        calendar_changed_at: new Date(Date.parse(one.platform_changed_at ?? '') + 60_000).toISOString(),
      }),
    ).toBeNull();
  });

  it('tells the story in words', () => {
    expect(story(conflict(0), context)).toBe(
      'You moved it to 13:00 in Google Calendar, 5 minutes after Jana Roth moved it to 11:00.',
    );
    expect(story(conflict(1), context)).toContain(
      'Linden Akademie says: “Die Adler-Apotheke hat mittwochs ab 13 Uhr geschlossen.”',
    );
    useLanguage('de', 'de-DE');
    expect(story(conflict(0), context)).toBe(
      'Sie haben es in Google Kalender auf 13:00 verschoben, 5 Minuten nachdem Jana Roth es auf 11:00 verschob.',
    );
  });
});

describe('answers', () => {
  beforeEach(() => useLanguage('en', 'en-GB'));

  it('names the button by its result and says what will happen', () => {
    const draft = { ...emptyDraft(), choice: 'keep_calendar' as const };
    expect(applyLabel(conflict(0), draft, context)).toMatch(/^Keep Mon,? 23 Nov, 13:00$/);
    expect(consequence(conflict(0), draft, context)).toMatch(
      /Linden Akademie moves it to Mon,? 23 Nov, 13:00 and tells the admin\./,
    );
    expect(resolution(conflict(0), draft)).toEqual({ kind: 'keep_calendar' });
  });

  it('sends a merge only once every field has a side', () => {
    const draft = {
      ...emptyDraft(),
      choice: 'merge' as const,
      merge: { time: 'platform', location: 'calendar' } as Record<string, 'platform' | 'calendar'>,
    };
    expect(resolution(conflict(2), draft)).toBeNull();
    draft.merge.notes = 'calendar';
    expect(resolution(conflict(2), draft)).toEqual({
      kind: 'merge',
      choices: [
        { field: 'time', choice: 'platform', start: null, end: null },
        { field: 'location', choice: 'calendar', start: null, end: null },
        { field: 'notes', choice: 'calendar', start: null, end: null },
      ],
    });
  });

  it('sends a time of one’s own as a merge on the time', () => {
    const time = { start: '2026-11-23T14:00:00.000Z', end: '2026-11-23T15:00:00.000Z' };
    expect(resolution(conflict(0), { ...emptyDraft(), choice: 'set_time', time })).toEqual({
      kind: 'merge',
      choices: [{ field: 'time', choice: 'time', ...time }],
    });
    expect(resolution(conflict(0), { ...emptyDraft(), choice: 'set_time' })).toBeNull();
  });
});
