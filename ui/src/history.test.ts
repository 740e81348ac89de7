import { cleanup, render, waitFor } from '@testing-library/svelte';
import userEvent from '@testing-library/user-event';
import axe from 'axe-core';
import { afterEach, describe, expect, it } from 'vitest';
import App from './App.svelte';
// Loaded when first needed, which a loaded machine would make a test wait for.
import '$lib/ui/MenuPanel.svelte';
import { appointments } from '$lib/appointments/state.svelte';
import { conflicts } from '$lib/conflicts/state.svelte';
import { restoring } from '$lib/history/restore.svelte';
import { retrying } from '$lib/history/retry.svelte';
import { overview } from '$lib/overview/state.svelte';
import { settings } from '$lib/settings/state.svelte';
import { info } from '$lib/shell/info.svelte';
import { undo } from '$lib/shell/undo.svelte';
import { start } from './mock/ipc';
import type { Scenario } from './mock/model';

const all = (test: string, root: ParentNode = document): HTMLElement[] => [
  ...root.querySelectorAll<HTMLElement>(`[data-test="${test}"]`),
];
const find = (test: string, root: ParentNode = document): HTMLElement | null => all(test, root)[0] ?? null;
const get = async (test: string): Promise<HTMLElement> =>
  waitFor(() => find(test) ?? Promise.reject(new Error(`no ${test}`)), { timeout: 5_000 });
const rowOf = async (id: string): Promise<HTMLElement> =>
  waitFor(
    () =>
      document.querySelector<HTMLElement>(`[data-test="history-row"][data-id="${id}"]`) ??
      Promise.reject(new Error(`no line ${id}`)),
    { timeout: 5_000 },
  );
const press = (row: HTMLElement, test: string): HTMLElement => {
  const found = find(test, row);
  if (!found) throw new Error(`no ${test} there`);
  return found;
};

async function open(scenario: Scenario, route: string, language = 'en') {
  const app = start(scenario, { language, slowMs: 0 });
  location.hash = `#${route}`;
  render(App);
  await get('headline');
  return app;
}

afterEach(() => {
  cleanup();
  for (const resource of [overview, appointments, conflicts, settings, info]) resource.clear();
  restoring.open = false;
  restoring.preview = restoring.error = restoring.outcomes = undefined;
  retrying.clear();
  document.body.innerHTML = '';
});

async function problems(): Promise<string[]> {
  const result = await axe.run(document.body, {
    rules: { 'color-contrast': { enabled: false }, region: { enabled: false } },
  });
  return result.violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html.slice(0, 160)).join(' | ')}`);
}

describe('the history', () => {
  it('keeps its filters in the address, and a pressed one comes off', async () => {
    const user = userEvent.setup();
    await open('error', '/history');
    await user.click(await get('history-filter-problem'));
    expect(location.hash).toBe('#/history?result=problem');
    await waitFor(() => expect(all('history-row').every((r) => r.dataset.result === 'problem')).toBe(true));
    await user.click(await get('history-source'));
    await user.click(await get('history-source-platform'));
    await waitFor(() => expect(all('history-row').map((r) => r.dataset.what)).toEqual(['refused']));
    expect(location.hash).toContain('source=platform');
    await user.click(await get('history-time'));
    await user.click(await get('history-range-7d'));
    expect(location.hash).toContain('range=7d');
    await user.click(await get('history-clear-source'));
    await user.click(await get('history-filter-problem'));
    expect(location.hash).toBe('#/history?range=7d');
    expect(await problems()).toEqual([]);
  }, 60_000);

  it('says that a filter could not be answered instead of showing the lines of the one before', async () => {
    const user = userEvent.setup();
    let works = true;
    start('error', {
      language: 'en',
      slowMs: 0,
      before: (command) => {
        if (command === 'list_history' && !works)
          throw { code: 'database_unavailable', detail: null, field: null, retryable: true };
      },
    });
    location.hash = '#/history';
    render(App);
    await waitFor(() => expect(all('history-row').length).toBeGreaterThan(0), { timeout: 5_000 });
    works = false;
    await user.click(await get('history-filter-problem'));
    await waitFor(() => expect(all('history-row')).toHaveLength(0));
    works = true;
    await user.click(await get('problem-action'));
    await waitFor(() => expect(all('history-row').length).toBeGreaterThan(0));
    expect(all('history-row').every((r) => r.dataset.result === 'problem')).toBe(true);
  });

  it('says which filter hides everything, and takes that one off', async () => {
    const user = userEvent.setup();
    await open('healthy', '/history?source=you&run=nowhere');
    await waitFor(() => expect(find('history-hides')?.dataset.filters).toBe('run'), { timeout: 5_000 });
    await user.click(await get('history-unhide'));
    await get('history-row');
    expect(location.hash).toBe('#/history?source=you');
  }, 60_000);

  it('says when the last day is before the first', async () => {
    await open('healthy', '/history?from=2026-11-10&to=2026-11-01');
    await get('history-range-wrong');
    expect(find('history-from')?.getAttribute('aria-invalid')).toBe('true');
  });

  it('finds an appointment by its title', async () => {
    const user = userEvent.setup();
    await open('healthy', '/history');
    await user.type(await get('history-find'), 'hirsch');
    await waitFor(() => expect(all('history-find-option').length).toBeGreaterThan(0));
    expect(await problems()).toEqual([]);
    await user.keyboard('{Enter}');
    expect(location.hash).toMatch(/appointment=apt_\d+/);
    expect((await get('life-title')).textContent).toBe('Hirsch-Apotheke');
  }, 60_000);

  it('opens a line by keyboard to its exact time, before and after, and what support may ask for', async () => {
    const user = userEvent.setup();
    await open('healthy', '/history');
    const row = await rowOf('s1');
    press(row, 'history-open').focus();
    await user.keyboard('{Enter}');
    expect(press(row, 'history-exact').textContent).toMatch(/:\d\d .*(CET|GMT\+1)/);
    expect(press(row, 'history-values').querySelectorAll('dd')).toHaveLength(2);
    expect(row.textContent).toContain('req-s1');
    expect(await problems()).toEqual([]);
  }, 60_000);

  it('keeps the attempts that did not work under the one that did', async () => {
    await open('healthy', '/history');
    const row = await rowOf('s1');
    expect(all('history-attempt', row).map((a) => a.dataset.id)).toEqual(['s2', 's3']);
    expect(document.querySelector('[data-test="history-row"][data-id="s2"]')).toBeNull();
    expect(find('history-retry', row)).toBeNull();
  });

  it('tries one again, and shows what came of it above its earlier attempt', async () => {
    const user = userEvent.setup();
    await open('error', '/history');
    const failed = await rowOf('h_1');
    await user.click(press(failed, 'history-retry'));
    expect(failed.textContent).toContain('Trying again…');
    await waitFor(() => expect(document.querySelector('[data-test="history-attempt"][data-id="h_1"]')).not.toBeNull(), {
      timeout: 5_000,
    });
    expect(find('history-attempt')?.closest('[data-test="history-row"]')?.getAttribute('data-what')).toBe('added');
  }, 60_000);

  it('counts down to the next try, with a way to try now', async () => {
    await open('error', '/history');
    const row = await rowOf('w1');
    expect(press(row, 'history-retry-at').textContent).toMatch(/^Will try again in 4 min/);
    expect(press(row, 'history-retry').textContent).toMatch(/^Try now/);
  });

  it('tries everything again, and a run', async () => {
    const user = userEvent.setup();
    const app = await open('error', '/history');
    const before = app.state.history.length;
    await user.click(await get('retry-all'));
    await waitFor(() => expect(app.state.history.length).toBe(before + 4), { timeout: 5_000 });
    await user.click(await get('history-runs'));
    await user.click(await get('history-filter-problem'));
    const lines = app.state.history.length;
    await user.click(await get('run-retry'));
    await waitFor(() => expect(app.state.history.length).toBeGreaterThan(lines), { timeout: 5_000 });
  }, 60_000);

  it('draws a small part of 10,000 lines, among them hostile ones', async () => {
    const app = await open('many', '/history');
    expect(app.state.history.length).toBeGreaterThanOrEqual(10_000);
    await get('history-row');
    expect(all('history-row').length).toBeLessThanOrEqual(120);
    expect(document.querySelector('img[src="x"]')).toBeNull();
  }, 60_000);

  for (const [scenario, hook] of [
    ['empty', 'history-empty'],
    ['offline', 'history-offline'],
    ['paused', 'history-paused'],
  ] as const)
    it(`has its state for "${scenario}"`, async () => {
      await open(scenario, '/history', 'de');
      await get(hook);
      expect(await problems()).toEqual([]);
    }, 60_000);
});

describe('the story of one appointment', () => {
  it('has the present on top and the beginning at the end', async () => {
    await open('healthy', '/history?appointment=apt_8');
    await get('life-began');
    expect(find('life-now')?.textContent).toContain('Linden Akademie');
    await waitFor(() => expect(find('life-now')?.textContent).toContain('Synced'));
    const kinds = all('history-row').map((r) => r.dataset.what);
    expect(kinds.at(-1)).toBe('added');
    expect(find('life-began')?.dataset.began).toBe('assigned');
    expect(await problems()).toEqual([]);
  }, 60_000);
});

describe('restoring', () => {
  it('asks first with what would happen, restores, and can be undone', async () => {
    const user = userEvent.setup();
    const app = await open('healthy', '/history');
    const row = await rowOf('h_5');
    await user.click(press(row, 'history-open'));
    await user.click(press(row, 'history-restore'));
    await get('restore-dialog');
    expect((await get('restore-tells')).dataset.count).toBe('1');
    expect(all('restore-item').map((i) => i.dataset.action)).toEqual(['move']);
    expect(await problems()).toEqual([]);
    const before = app.state.history.length;
    await user.click(await get('restore-apply'));
    await waitFor(() => expect(app.state.history[0]?.what).toBe('restored'));
    expect(app.state.history).toHaveLength(before + 1);
    await waitFor(() => expect(find('restore-dialog')).toBeNull());
    expect(document.querySelector('[data-sonner-toast] [data-button]')?.textContent).toContain('Undo');
    expect(undo.newest()).toBe(true);
    await waitFor(() => expect(app.state.history).toHaveLength(before + 2), { timeout: 5_000 });
    expect(app.state.history[0]?.to).toEqual(app.state.history[1]?.from);
  }, 60_000);

  it('says in words what cannot be restored, and then offers nothing to confirm', async () => {
    const user = userEvent.setup();
    const app = await open('healthy', '/history?appointment=apt_8');
    const old = app.state.history.filter((h) => h.appointment_id === 'apt_8' && h.from && h.restorable).at(-1);
    const row = await rowOf(old?.id ?? '');
    await user.click(press(row, 'history-open'));
    await user.click(press(row, 'history-restore'));
    expect((await get('restore-item')).dataset.reason).toBe('changed_since');
    expect(find('restore-dialog')?.textContent).toContain('restore the newer line first');
    expect(find('restore-apply')).toBeNull();
  }, 60_000);

  it('does nothing and shows what it would be now when something changed meanwhile', async () => {
    const user = userEvent.setup();
    const app = await open('healthy', '/history');
    const row = await rowOf('h_5');
    await user.click(press(row, 'history-open'));
    await user.click(press(row, 'history-restore'));
    await get('restore-tells');
    const held = app.state.history.find((h) => h.id === 'h_5');
    if (held) app.state.history.unshift({ ...held, id: 'newer', at: new Date().toISOString() });
    const before = app.state.history.length;
    await user.click(await get('restore-apply'));
    await get('restore-stale');
    await waitFor(() => expect(find('restore-item')?.dataset.reason).toBe('changed_since'));
    expect(find('restore-close')).not.toBeNull();
    expect(app.state.history).toHaveLength(before);
  }, 60_000);
});

describe('time travel', () => {
  it('steps by keyboard from change to change, and keeps the moment in the address', async () => {
    const user = userEvent.setup();
    await open('healthy', '/history?view=then');
    const slider = await get('then-slider');
    await waitFor(() => expect(Number(find('then-slider')?.dataset.stops)).toBeGreaterThan(10), { timeout: 5_000 });
    expect(find('then')?.dataset.at).toBe('now');
    slider.focus();
    await user.keyboard('{ArrowLeft}{ArrowLeft}');
    const at = find('then')?.dataset.at ?? '';
    expect(Date.parse(at)).toBeLessThan(Date.now());
    await waitFor(() => expect(location.hash).toContain(encodeURIComponent(at)), { timeout: 3_000 });
    await get('then-happened');
    await user.keyboard('{Home}{End}');
    await waitFor(() => expect(find('then')?.dataset.at).toBe('now'));
    expect(await problems()).toEqual([]);
  }, 60_000);

  it('goes on with the present after "Back to now"', async () => {
    const user = userEvent.setup();
    const app = await open('healthy', '/history?view=then');
    const then = await get('then');
    await waitFor(() => expect(press(then, 'then-previous')).toHaveProperty('disabled', false), { timeout: 5_000 });
    await user.click(press(then, 'then-previous'));
    await waitFor(() => expect(then.dataset.at).not.toBe('now'));
    await user.click(await get('then-now'));
    expect(then.dataset.at).toBe('now');
    const asked = app.asked('list_history');
    await app.changed('history');
    // Looked at again, the present is a later one.
    await waitFor(() => expect(app.asked('list_history')).toBeGreaterThan(asked), { timeout: 10_000 });
    expect(then.dataset.at).toBe('now');
    expect(location.hash).not.toContain('at=');
  }, 30_000);

  it('marks what moved or went since, and brings it back through the same question', async () => {
    const user = userEvent.setup();
    const at = new Date(Date.now() - 12 * 86_400_000).toISOString().replace(/\.\d+Z/, 'Z');
    await open('healthy', `/history?view=then&at=${at}`, 'de');
    await user.click(await get('then-differs'));
    await waitFor(() => expect(all('past-event').length).toBeGreaterThan(2));
    expect(new Set(all('past-event').map((e) => e.dataset.since))).toEqual(new Set(['moved', 'gone']));
    expect(await problems()).toEqual([]);
    await user.click(all('past-restore')[0] as HTMLElement);
    await get('restore-item');
  }, 60_000);
});

describe('export', () => {
  it('leaves personal data out unless asked, and shows the file', async () => {
    const user = userEvent.setup();
    await open('healthy', '/history?result=ok');
    await get('history-row');
    await user.click(await get('history-export'));
    expect((await get('export-says')).textContent).toContain('left out');
    expect(find('export-personal')?.getAttribute('aria-checked')).toBe('false');
    expect(find('export-dialog')?.textContent).toContain('Done');
    expect(await problems()).toEqual([]);
    await user.click(await get('export-json'));
    await user.click(await get('export-save'));
    await waitFor(() =>
      expect(document.querySelector('[data-sonner-toast]')?.textContent).toMatch(/Saved roundtrip-history-.*\.json/),
    );
  }, 60_000);
});
