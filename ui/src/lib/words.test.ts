import { beforeEach, describe, expect, it } from 'vitest';
import type { AnsweredConflict, ConflictView, HistoryRow, QuestionView, RunRow } from '$lib/bindings';
import { reasonWord } from '$lib/appointments/badges';
import { whyNot } from '$lib/conflicts/decided';
import { isKind } from '$lib/conflicts/kinds';
import { story } from '$lib/conflicts/story';
import { notPossible } from '$lib/history/restore';
import { filterRuns, RESULTS, TRIGGERS, triggerWord } from '$lib/history/runs';
import { DELETED, sentence } from '$lib/history/sentence';
import { useLanguage } from '$lib/i18n/locale.svelte';
import { knownProblem } from '$lib/i18n/problems';
import { questionWords } from '$lib/overview/questions';
import { m } from '$lib/paraglide/messages';
import { auditDetails, auditWord, REASONS, WORDS as AUDIT } from '$lib/settings/audit';
import { checkName } from '$lib/settings/checks';
import { serviceWord } from '$lib/settings/figures';
import { RULE_PROBLEMS } from '$lib/settings/rules';
import { previewField } from '$lib/settings/words';
import sent from '$lib/words.json';

const PLATFORM = 'Linden Akademie';
const context = { platform: PLATFORM, zone: 'Europe/Berlin', nowMs: Date.parse('2026-11-21T09:00:00Z') };

const line = (what: string, word: string | null = null): string =>
  sentence(
    {
      id: 'h',
      run_id: null,
      at: '2026-11-21T08:00:00Z',
      appointment_id: null,
      title: 'Visit',
      what,
      from: null,
      to: null,
      fields: [],
      word,
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
    } satisfies HistoryRow,
    context,
  );

const undone = (not_possible: string): string | null =>
  whyNot({ conflict: { kind: 'data_mismatch' }, undo: { not_possible } } as unknown as AnsweredConflict, context);

const heldTogether = new Set<string>();

/** The lists that the window can be sent. Which of them a test here looks at is remembered. */
const words = new Proxy(sent, {
  get(lists, name: keyof typeof sent & string) {
    heldTogether.add(name);
    return lists[name];
  },
});

/** The page has a text for each word, and none for a word that is never sent. */
const same = (list: readonly string[], texts: Record<string, unknown>): void =>
  expect(Object.keys(texts).sort()).toEqual([...list].sort());

/** The words of a list that have no text of their own. */
const without = (list: readonly string[], has: (word: string) => boolean): string[] => {
  expect(list.length).toBeGreaterThan(0);
  return list.filter((word) => !has(word));
};

/** Several words may not share the text that stands for what is not known. */
const distinct = (list: readonly string[], text: (word: string) => string | null): void => {
  expect(new Set(list.map(text)).size).toBe(list.length);
};

// What Rust can send is in the file that its tests keep current: a word that is new there fails here until it has a text.
describe('each word that the window is sent has its own text', () => {
  // In English some words are their own text.
  beforeEach(() => useLanguage('de', 'de-DE'));

  it('what the history tells', () => {
    expect(without(words.history_what, (what) => line(what) !== m.h_other({ title: 'Visit' }))).toEqual([]);
  });

  it('why an event was deleted', () => same(words.delete_reasons, DELETED));

  it('what was to be written', () => {
    const plain = m.h_write_failed({ title: 'Visit' });
    expect(without(words.intents, (word) => line('write_failed', word) !== plain)).toEqual([]);
  });

  it('how a conflict was answered', () => {
    const plain = m.h_conflict_resolved_plain({ title: 'Visit' });
    expect(without(words.resolutions, (word) => line('conflict_resolved', word) !== plain)).toEqual([]);
  });

  it('which kind of conflict it is, and how it came to it', () => {
    expect(without(words.conflict_kinds, isKind)).toEqual([]);
    // A marked event is told by its kind.
    const causes = words.conflict_causes.filter((cause) => cause !== 'marked');
    distinct(causes, (cause) =>
      story({ kind: 'time_change', cause, fields: [], choices: [] } as unknown as ConflictView, context),
    );
  });

  it('why something cannot be had back', () => {
    expect(without(words.undo_why, (why) => notPossible(why, PLATFORM) !== m.hx_np_other())).toEqual([]);
    distinct(words.undo_why, undone);
  });

  it('why an appointment has its badge', () => {
    expect(without(words.badge_reasons, (reason) => !!reasonWord(reason, PLATFORM))).toEqual([]);
    expect(without(words.left_out, (reason) => !!reasonWord(reason, PLATFORM))).toEqual([]);
  });

  it('what is wrong', () => expect(without(words.problems, knownProblem)).toEqual([]));

  it('why a run began', () => {
    expect(without(words.triggers, (word) => triggerWord(word, PLATFORM) !== m.hx_run_other())).toEqual([]);
    same(words.triggers, TRIGGERS);
  });

  it('how a run ended', () => {
    same(words.run_results, RESULTS);
    // Each is found under one word of the filter.
    const under = (result: string) =>
      ['ok', 'waiting', 'problem'].filter((filter) => {
        const run = { result, started_at: '2026-11-21T08:00:00Z', problems: 0 } as RunRow;
        return filterRuns([run], filter, null, null).length > 0;
      });
    expect(words.run_results.map((result) => [result, ...under(result)])).toEqual([
      ['failed', 'problem'],
      ['partial', 'problem'],
      ['running', 'waiting'],
      ['success', 'ok'],
    ]);
  });

  it('what is wrong with a rule', () => same(words.rule_problems, RULE_PROBLEMS));

  it('what the guard asks', () => {
    distinct(words.questions, (kind) => questionWords({ kind, count: 3 } as QuestionView, PLATFORM).title);
  });

  it('how it was answered', () => distinct(words.answers, (answer) => line('held_answered', answer)));

  it('what a dry run would change', () => {
    expect(without(words.preview_fields, (field) => previewField(field) !== field)).toEqual([]);
  });

  it('where errors came from', () => {
    const platform = words.figures_services.filter((service) => serviceWord(service, PLATFORM) === PLATFORM);
    expect(platform).toEqual(['platform']);
    distinct(words.figures_services, (service) => serviceWord(service, PLATFORM));
  });

  it('what is checked', () => expect(without(words.checks, (check) => checkName(check) !== check)).toEqual([]));

  it('what the audit log has', () => {
    expect(without(words.audit, (event) => auditWord(event) !== event)).toEqual([]);
    same(words.audit, AUDIT);
    same(words.audit_reasons, REASONS);
    const told = (reason: string) => auditDetails(JSON.stringify({ reason }), PLATFORM) !== reason;
    expect(without(words.audit_reasons, told)).toEqual([]);
  });

  // Tests run in their order, so that this one comes last.
  it('and each list has its test', () => expect([...heldTogether].sort()).toEqual(Object.keys(sent).sort()));
});
