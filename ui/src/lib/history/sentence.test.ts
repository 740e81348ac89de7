import { beforeEach, describe, expect, it } from 'vitest';
import type { HistoryRow } from '$lib/bindings';
import { useLanguage } from '$lib/i18n/locale.svelte';
import { runSum } from './runs';
import { notPossible } from './restore';
import { sentence, titleWord } from './sentence';

const NOW = Date.parse('2026-11-21T09:00:00Z');
const context = { platform: 'Linden Akademie', zone: 'Europe/Berlin', nowMs: NOW };
const time = (start: string) => ({ kind: 'time' as const, start, end: start, zone: 'Europe/Berlin' });
const row = (what: string, more: Partial<HistoryRow> = {}): HistoryRow => ({
  id: 'h',
  run_id: null,
  at: '2026-11-21T08:00:00Z',
  appointment_id: 'apt_1',
  title: 'PT – A. K.',
  what,
  from: null,
  to: null,
  fields: [],
  word: null,
  detail: null,
  admin_notified: null,
  count: null,
  source: 'platform',
  result: 'ok',
  problem: null,
  request_id: null,
  retry_at: null,
  restorable: false,
  edit_lost: false,
  ...more,
});

describe('history sentences', () => {
  beforeEach(() => useLanguage('en', 'en-GB'));

  it('does not repeat the day of a move within one day', () => {
    expect(
      sentence(row('changed', { from: time('2026-11-24T09:00:00Z'), to: time('2026-11-24T10:00:00Z') }), context),
    ).toMatch(/^Moved “PT – A. K.” from Tue,? 24 Nov, 10:00 to 11:00 in Google Calendar\.$/);
  });

  it('says why something was taken out', () => {
    expect(sentence(row('deleted', { word: 'cancelled' }), context)).toContain('it was cancelled');
    expect(sentence(row('deleted', { word: 'unassigned' }), context)).toContain('isn’t yours any more');
  });

  it('says that what was written in an event went with it', () => {
    const lost = sentence(row('deleted', { word: 'cancelled', edit_lost: true }), context);
    expect(lost).toContain('it was cancelled. What you had changed or written in it went with it.');
    expect(sentence(row('deleted', { word: 'cancelled' }), context)).not.toContain('went with it');
  });

  it('lists fields in words', () => {
    expect(sentence(row('changed', { fields: ['location', 'notes'] }), context)).toBe(
      'Updated place and notes of “PT – A. K.” in Google Calendar.',
    );
  });

  it('has a sentence for each kind in both languages, and for a new one', () => {
    const kinds = [
      'added',
      'changed',
      'deleted',
      'adopted',
      'moved_back',
      'notes_back',
      'refused',
      'removed_in_calendar',
      'changed_since_removed',
      'put_back',
      'conflict_raised',
      'conflict_resolved',
      'merged',
      'overtaken',
      'asked',
      'answered',
      'connected',
      'disconnected',
      'write_failed',
      'unreadable',
      'rebuilt',
      'reading_shrank',
      'silence_began',
      'silence_ended',
      'undone',
      'restored',
      'created_from_event',
      'held',
      'held_answered',
    ];
    const english = kinds.map((k) => sentence(row(k), context));
    expect(new Set(english).size).toBe(kinds.length);
    const unknown = sentence(row('something_new'), context);
    expect(english).not.toContain(unknown);
    useLanguage('de', 'de-DE');
    kinds.forEach((k, i) => expect(sentence(row(k), context), k).not.toBe(english[i]));
  });

  it('says which write failed, and which way a restoring went', () => {
    expect(sentence(row('write_failed', { word: 'move' }), context)).toBe(
      'Your move of “PT – A. K.” couldn’t be reported to Linden Akademie.',
    );
    const intents = ['insert', 'patch', 'delete', 'move', 'notes', 'create'];
    const failed = [...intents, null].map((word) => sentence(row('write_failed', { word }), context));
    expect(new Set(failed).size).toBe(intents.length + 1);
    expect(sentence(row('write_failed', { word: 'create', appointment_id: 'marked_1' }), context)).toBe(
      'No appointment could be made of your event “PT – A. K.” on Linden Akademie.',
    );
    expect(sentence(row('refused', { appointment_id: 'marked_1' }), context)).toBe(
      'Linden Akademie didn’t make an appointment of your event “PT – A. K.”.',
    );
    expect(sentence(row('refused', { fields: ['notes'] }), context)).toBe(
      'Linden Akademie didn’t accept your notes for “PT – A. K.”.',
    );
    expect(sentence(row('refused', { fields: ['time'] }), context)).toContain('your move of');
    expect(sentence(row('conflict_raised', { word: 'refused', fields: ['notes'] }), context)).toContain(
      'your notes for',
    );
    expect(sentence(row('write_failed', { word: 'something_new' }), context)).toBe('“PT – A. K.” couldn’t be written.');
    expect(
      sentence(row('restored', { from: time('2026-11-24T10:00:00Z'), to: time('2026-11-24T09:00:00Z') }), context),
    ).toMatch(/from Tue,? 24 Nov, 11:00 back to 10:00\.$/);
    expect(sentence(row('overtaken', { from: time('2026-11-24T10:00:00Z') }), context)).toMatch(
      /^“PT – A. K.” keeps its newer time: a later change counts, not Tue,? 24 Nov, 11:00\.$/,
    );
    expect(sentence(row('something_new', { title: null }), context)).toBe('Something changed.');
  });

  it('says why it was asked, by the kind of the conflict', () => {
    const kinds = ['time_change', 'data_mismatch', 'deleted', 'created_externally', 'refused', 'unusual_move'];
    const english = kinds.map((word) => sentence(row('conflict_raised', { word }), context));
    expect(new Set(english).size).toBe(kinds.length);
    expect(english[3]).toBe('You marked “PT – A. K.”; you were asked whether it is an appointment.');
    expect(sentence(row('conflict_raised', { word: 'something_new' }), context)).toBe(english[1]);
    useLanguage('de', 'de-DE');
    kinds.forEach((word, i) => expect(sentence(row('conflict_raised', { word }), context), word).not.toBe(english[i]));
  });

  it('lets no title break a sentence', () => {
    expect(titleWord('<b>x</b>')).toBe('<b>x</b>');
    expect(titleWord('x'.repeat(10_000))).toHaveLength(121);
    expect(titleWord(`${'👩‍⚕️'.repeat(100)}`).length).toBeLessThan(300);
    expect(titleWord('\u200b\u2060 ')).toBe('an appointment');
    expect(titleWord(null)).toBe('an appointment');
    expect(titleWord('بيدلية \u202eRosen')).toBe('\u2068بيدلية \u202eRosen\u2069');
    // What would end the isolate around it, and so turn the rest of the sentence, or keep it from ending.
    expect(titleWord('\u2069\u202eRosen')).toBe('\u2068\u202eRosen\u2069');
    expect(titleWord('\u202eRo\u2067sen')).toBe('\u2068\u202eRosen\u2069');
    expect(titleWord('\u202eRosen\n\u2029\u202eHof')).toBe('\u2068\u202eRosen \u202eHof\u2069');
  });

  it('has words for each reason of not restoring, and for a new one', () => {
    const codes = ['gone', 'over', 'changed_since', 'not_editable', 'same', 'text_not_kept', 'left_out', 'nothing'];
    const words = codes.map((code) => notPossible(code, 'Linden Akademie'));
    expect(new Set(words).size).toBe(codes.length);
    expect(words).not.toContain(notPossible('something_new', 'Linden Akademie'));
  });

  it('sums a run up with real plurals', () => {
    const run = {
      id: 'r',
      trigger: 'timer',
      started_at: '',
      ended_at: null,
      result: 'partial',
      added: 0,
      changed: 12,
      removed: 0,
      moved_back: 0,
      conflicts: 0,
      problems: 1,
      platform_requests: 1,
      calendar_requests: 1,
      checks: 1,
      problem: null,
    };
    expect(runSum(run)).toBe('12 changed · 1 problem');
    expect(runSum({ ...run, changed: 0, problems: 0 })).toBe('Nothing to change');
    expect(runSum({ ...run, changed: 0, problems: 0, checks: 12 })).toBe('12 checks without changes');
  });
});
