import { cleanup, fireEvent, render, waitFor } from '@testing-library/svelte';
import userEvent from '@testing-library/user-event';
import axe from 'axe-core';
import { afterEach, describe, expect, it, vi } from 'vitest';
import App from '../../App.svelte';
import { appointments } from '$lib/appointments/state.svelte';
import { overview } from '$lib/overview/state.svelte';
import { settings } from '$lib/settings/state.svelte';
import { info } from '$lib/shell/info.svelte';
import { undo } from '$lib/shell/undo.svelte';
import { start } from '../../mock/ipc';
import { manyConflicts } from '../../mock/conflicts';
import type { Scenario } from '../../mock/model';
// Read with the tests: a busy machine takes longer for it than a test waits for the page.
import './ConflictPage.svelte';
import './Decisions.svelte';
import { answered, conflicts, offer } from './state.svelte';

const find = (test: string, more = ''): HTMLElement | null => document.querySelector(`[data-test="${test}"]${more}`);
const every = (test: string): HTMLElement[] => [...document.querySelectorAll<HTMLElement>(`[data-test="${test}"]`)];
const get = async (test: string, more = ''): Promise<HTMLElement> =>
  waitFor(() => find(test, more) ?? Promise.reject(new Error(`no ${test}${more}`)), { timeout: 5_000 });
const axeProblems = async (): Promise<string[]> =>
  (
    await axe.run(document.body, { rules: { 'color-contrast': { enabled: false }, region: { enabled: false } } })
  ).violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html.slice(0, 160)).join(' | ')}`);

async function open(scenario: Scenario, route: string, language = 'en') {
  const app = start(scenario, { language, slowMs: 0 });
  location.hash = `#${route}`;
  render(App);
  await get('headline');
  return app;
}

afterEach(() => {
  cleanup();
  for (const resource of [overview, appointments, conflicts, answered, offer, settings, info]) resource.clear();
  undo.clear();
  document.body.innerHTML = '';
});

describe('a question of the guard alone', () => {
  it('has a page with a heading', async () => {
    await open('question', '/conflicts');
    await get('question-card');
    expect(document.querySelectorAll('h1')).toHaveLength(1);
    expect(document.querySelector('h1')?.textContent).toBe('Decisions');
  });
});

describe('one decision', () => {
  for (const [id, language] of [
    ['cf_2', 'de'],
    ['cf_close', 'en'],
    ['cf_all_day', 'de'],
    ['cf_series', 'en'],
    ['cf_cancelled', 'de'],
    ['cf_base', 'en'],
    ['cf_created', 'de'],
    ['cf_hostile', 'en'],
  ] as const)
    it(`has no accessibility problem and shows what was typed as text: ${id}`, async () => {
      await open('every-conflict', `/conflicts/${id}`, language);
      const page = await get('conflict', `[data-id="${id}"]`);
      expect(page.querySelector('img, script, b b')).toBeNull();
      if (id === 'cf_hostile') {
        expect(page.textContent).toContain('<script>');
        expect(page.textContent).toContain('U+200B');
        expect((find('headline')?.textContent ?? '').length).toBeLessThan(200);
      }
      expect(await axeProblems()).toEqual([]);
    }, 20_000);

  it('asks a marked event for create or dismiss, and for nothing else', async () => {
    const user = userEvent.setup();
    const app = await open('every-conflict', '/conflicts/cf_created');
    await get('resolve-create');
    expect(find('resolve-keep-platform')).toBeNull();
    await user.click(await get('resolve-create'));
    expect(find('consequence')?.textContent).toContain('Linden Akademie gets a new appointment: Workshop #linden');
    await user.click(await get('resolve-apply'));
    await waitFor(() => expect(app.state.conflicts.some((c) => c.id === 'cf_created')).toBe(false));
    // There is nothing an edit could take back, so nothing is offered.
    expect(undo.possible).toBe(false);
  });

  it('says why "most recent" is not offered, and does not take it', async () => {
    const user = userEvent.setup();
    await open('every-conflict', '/conflicts/cf_close');
    await user.click(await get('resolve-most-recent'));
    expect(find('too-close')?.textContent).toContain('within two minutes');
    expect((find('resolve-apply') as HTMLButtonElement).disabled).toBe(true);
  });

  it('forgets what was picked when the conflict changes under the trainer', async () => {
    const user = userEvent.setup();
    const app = await open('conflicts', '/conflicts/cf_1');
    await user.keyboard('2');
    expect((find('resolve-apply') as HTMLButtonElement).disabled).toBe(false);
    const held = app.state.conflicts[0];
    if (held) held.seen = { version: 99, etag: '"new"' };
    await app.changed('conflicts');
    await get('conflict-stale');
    expect((find('resolve-apply') as HTMLButtonElement).disabled).toBe(true);
    expect(find('conflict')?.dataset.id).toBe('cf_1');
  });

  it('says offline and paused, and can be decided all the same', async () => {
    const user = userEvent.setup();
    const app = await open('conflicts', '/conflicts/cf_1');
    app.state.overview.state = 'offline';
    await app.changed('overview');
    expect((await get('conflict-offline')).textContent).toContain('as soon as you’re online');
    app.state.overview.state = 'paused';
    await app.changed('overview');
    await get('conflict-paused');
    await user.keyboard('1');
    await user.click(await get('resolve-apply'));
    await waitFor(() => expect(app.state.conflicts).toHaveLength(2));
  });

  it('takes no letter once letters are off, and still the keys that are none', async () => {
    const user = userEvent.setup();
    const app = await open('conflicts', '/conflicts/cf_1');
    app.state.settings.letter_keys = false;
    await app.changed('settings');
    await waitFor(() => expect(settings.value?.letter_keys).toBe(false));
    await user.keyboard('n2');
    expect(find('conflict')?.dataset.id).toBe('cf_1');
    expect((find('resolve-apply') as HTMLButtonElement).disabled).toBe(true);
    await user.keyboard('{ArrowRight}');
    expect((find('resolve-apply') as HTMLButtonElement).disabled).toBe(false);
  });

  it('offers undo, which brings the question back', async () => {
    const user = userEvent.setup();
    const app = await open('conflicts', '/conflicts/cf_1');
    await user.keyboard('1');
    await user.click(await get('resolve-apply'));
    await waitFor(() => expect(find('conflict')?.dataset.id).toBe('cf_2'));
    expect(undo.possible).toBe(true);
    undo.newest();
    await waitFor(() => expect(app.state.conflicts.map((c) => c.id)).toContain('cf_1'));
  });

  it('offers a rule after the third equal answer, sets it, ends calmly, and leads back', async () => {
    const user = userEvent.setup();
    const app = await open('conflicts', '/history');
    const rows = manyConflicts(Date.now(), 3);
    app.state.conflicts = rows;
    location.hash = '#/conflicts/cf_m1';
    await app.changed('conflicts', 'overview');
    for (const row of rows) {
      await get('conflict', `[data-id="${row.id}"]`);
      await user.keyboard('2');
      await user.click(await get('resolve-apply'));
    }
    expect((await get('no-conflicts')).dataset.decided).toBe('3');
    expect(find('conflicts-back')?.getAttribute('href')).toBe('#/history');
    await get('rule-offer');
    expect(every('rule-case')).toHaveLength(3);
    expect(find('rule-where')?.textContent).toContain('Settings');
    expect(await axeProblems()).toEqual([]);
    await user.click(await get('rule-yes'));
    await waitFor(() => expect(app.state.settings.time_policy).toBe('keep_calendar'));
    await waitFor(() => expect(find('rule-offer')).toBeNull());
  }, 30_000);

  it('sets a standing rule only after saying what it means', async () => {
    const user = userEvent.setup();
    const app = await open('conflicts', '/conflicts/cf_1');
    await user.click(await get('standing-rule'));
    await user.click(await get('rule-time-keep-platform'));
    expect((await get('rule-dialog')).textContent).toContain('without asking');
    expect(app.state.settings.time_policy).toBe('ask');
    await user.click(await get('rule-confirm'));
    await waitFor(() => expect(app.state.settings.time_policy).toBe('keep_platform'));
  });
});

describe('the list', () => {
  it('selects all of one kind, previews with counts, and says what became of each', async () => {
    const user = userEvent.setup();
    const app = await open('many-conflicts', '/conflicts');
    expect(await axeProblems()).toEqual([]);
    await user.click(await get('kind-time_change'));
    const count = app.state.conflicts.filter((c) => c.kind === 'time_change').length;
    await user.click(await get('select-all'));
    expect(find('selected-count')?.dataset.count).toBe(String(count));
    // One changes between looking and answering.
    const moved = app.state.conflicts.find((c) => c.kind === 'time_change');
    await user.click(await get('bulk-keep-calendar'));
    expect((await get('bulk-consequences')).textContent).toContain(`The admin is told ${count} times.`);
    expect(every('bulk-item')).toHaveLength(count);
    expect(await axeProblems()).toEqual([]);
    if (moved) moved.seen = { version: 77, etag: '"later"' };
    await user.click(await get('bulk-apply'));
    const sums = await get('bulk-sums');
    expect(sums.dataset.done).toBe(String(count - 1));
    expect(sums.dataset.changed).toBe('1');
    expect(every('bulk-outcome')[0]?.dataset.result).toBe('stale');
    expect(app.state.conflicts.filter((c) => c.kind === 'time_change')).toHaveLength(1);
    await user.click(await get('bulk-close'));
    await waitFor(() => expect(find('bulk-dialog')).toBeNull());
  }, 30_000);

  it('is walked, ticked and opened by keyboard alone', async () => {
    const user = userEvent.setup();
    await open('many-conflicts', '/conflicts');
    const rows = await waitFor(() => {
      const found = every('select-row') as HTMLInputElement[];
      if (found.length < 4) throw new Error('no rows');
      return found;
    });
    rows[0]?.focus();
    await user.keyboard(' ');
    expect(find('selected-count')?.dataset.count).toBe('1');
    await user.keyboard('{Shift>}{ArrowDown}{ArrowDown}{/Shift}');
    await waitFor(() => expect(find('selected-count')?.dataset.count).toBe('3'));
    await user.keyboard('{Escape}');
    await waitFor(() => expect(find('selected-count')?.dataset.count).toBe('0'));
    await waitFor(() => expect(document.activeElement?.closest('[data-row]')?.getAttribute('data-row')).toBe('cf_m3'));
    await user.keyboard('{Enter}');
    await get('conflict', '[data-id="cf_m3"]');
    await user.keyboard('{Escape}');
    await get('conflict-list');
  }, 20_000);

  it('takes a range by Shift and a click', async () => {
    const user = userEvent.setup();
    await open('many-conflicts', '/conflicts');
    await get('select-row');
    await user.click(every('select-row')[1] as HTMLElement);
    await fireEvent.click(every('select-row')[4] as HTMLElement, { shiftKey: true });
    await waitFor(() => expect(find('selected-count')?.dataset.count).toBe('4'));
  });

  it('draws a small part of a long list', async () => {
    const app = await open('many-conflicts', '/conflicts');
    app.state.conflicts = manyConflicts(Date.now(), 600);
    await app.changed('conflicts');
    await waitFor(() => expect(find('tab-open')?.textContent).toContain('600'));
    await waitFor(() => expect(every('conflict-row').length).toBeGreaterThan(3));
    expect(every('conflict-row').length).toBeLessThan(80);
  });
});

describe('what was decided', () => {
  it('keeps both versions, copies a lost text, and undoes with what it means', async () => {
    const user = userEvent.setup();
    const app = await open('conflicts', '/conflicts?view=decided', 'en');
    await get('decided-list');
    const row = find('decided-row', '[data-id="cf_a2"]') as HTMLElement;
    expect(row.querySelector('[data-test="decided-by"]')?.textContent).toBe('By your rule');
    await user.click(row.querySelector('[data-test="decided-open"]') as HTMLElement);
    expect(every('decided-version').map((v) => v.dataset.side)).toEqual(['platform', 'calendar']);
    const write = vi.fn(async () => undefined);
    vi.stubGlobal('navigator', { ...navigator, clipboard: { writeText: write }, languages: ['en'] });
    await user.click(await get('copy-text', '[data-side="calendar"]'));
    expect(write).toHaveBeenCalledWith('Schulung Rezeptprüfung. Parkplatz im Hof, Code 4711.');
    vi.unstubAllGlobals();
    expect(find('undo-not-possible', '[data-reason="over"]')).not.toBeNull();
    expect(find('undo-not-possible', '[data-reason="gone"]')?.textContent).toContain('This answer is final');
    expect(await axeProblems()).toEqual([]);
    await user.click(await get('undo-answer', '[data-id="cf_a1"]'));
    expect((await get('undo-consequences')).textContent).toContain('the admin will be told again');
    expect(app.state.conflicts).toHaveLength(3);
    await user.click(await get('undo-confirm'));
    await waitFor(() => expect(app.state.conflicts.map((c) => c.id)).toContain('cf_a1'));
    await waitFor(() => expect(find('decided-row', '[data-id="cf_a1"]')).toBeNull());
  }, 20_000);
});
