import { cleanup, render, waitFor } from '@testing-library/svelte';
import userEvent from '@testing-library/user-event';
import axe from 'axe-core';
import { afterEach, describe, expect, it } from 'vitest';
import App from './App.svelte';
// Loaded when first needed, which a loaded machine would make a test wait for.
import '$lib/history/History.svelte';
import '$lib/history/RestoreDialog.svelte';
import { appointments } from '$lib/appointments/state.svelte';
import { conflicts } from '$lib/conflicts/state.svelte';
import { restoring } from '$lib/history/restore.svelte';
import { overview } from '$lib/overview/state.svelte';
import { settings } from '$lib/settings/state.svelte';
import { info } from '$lib/shell/info.svelte';
import { start } from './mock/ipc';
import type { Scenario } from './mock/model';

const all = (test: string): HTMLElement[] => [...document.querySelectorAll<HTMLElement>(`[data-test="${test}"]`)];
const get = async (test: string): Promise<HTMLElement> =>
  waitFor(() => all(test)[0] ?? Promise.reject(new Error(`no ${test}`)), { timeout: 20_000 });

async function open(scenario: Scenario, route: string, language = 'en') {
  const app = start(scenario, { language, slowMs: 0 });
  location.hash = `#${route}`;
  render(App);
  await get('headline');
  return app;
}

async function problems(): Promise<string[]> {
  const result = await axe.run(document.body, {
    rules: { 'color-contrast': { enabled: false }, region: { enabled: false } },
  });
  return result.violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html.slice(0, 160)).join(' | ')}`);
}

afterEach(() => {
  cleanup();
  for (const resource of [overview, appointments, conflicts, settings, info]) resource.clear();
  restoring.open = false;
  restoring.preview = restoring.error = restoring.outcomes = undefined;
  document.body.innerHTML = '';
});

describe('events that would go', () => {
  it('are shown with their reasons, and one of them can be kept', async () => {
    const user = userEvent.setup();
    await open('held', '/');
    const card = await get('held-card');
    expect(card.dataset.count).toBe('3');
    expect(all('held-why').map((p) => p.dataset.cause)).toEqual(['rules_changed', 'absent']);
    expect(all('held-why')[0]?.textContent).toContain('2');
    expect(await problems()).toEqual([]);

    await user.click(await get('held-list'));
    expect(all('held-item')).toHaveLength(3);
    const keep = all('held-keep-one')[0];
    expect(keep?.getAttribute('aria-label')).toMatch(/^Keep “.+”$/);
    keep?.focus();
    await user.keyboard('{Enter}');
    await waitFor(() => expect(all('held-card')[0]?.dataset.count).toBe('2'));
  }, 60_000);

  it('are kept or removed together, and the card goes', async () => {
    const user = userEvent.setup();
    for (const test of ['held-keep', 'held-remove']) {
      await open('held', '/', 'de');
      await user.click(await get(test));
      await waitFor(() => expect(all('held-card')).toHaveLength(0));
      cleanup();
      overview.clear();
      document.body.innerHTML = '';
    }
  }, 60_000);

  it('are a question with grouped reasons when they are many', async () => {
    await open('held', '/');
    const reasons = await waitFor(() => {
      const found = all('question-reason');
      return found.length ? found : Promise.reject(new Error('no reasons'));
    });
    expect(reasons.map((li) => li.textContent?.trim())).toEqual([
      '6 because your rules changed',
      expect.stringMatching(/^3 because .+ doesn’t list them any more$/),
    ]);
  }, 60_000);
});

describe('undoing a run', () => {
  it('says what becomes of each line and why some stay, and is done with one press', async () => {
    const user = userEvent.setup();
    const app = await open('healthy', '/history?view=runs');
    const opener = await waitFor(() => {
      const found = all('run-row').find((row) => /\d/.test(row.querySelector('.sum')?.textContent ?? ''));
      const button = found?.querySelector<HTMLElement>('[data-test="run-open"]');
      return button ?? Promise.reject(new Error('no run that did something'));
    });
    await user.click(opener);
    await user.click(await get('run-undo'));
    const dialog = await get('restore-dialog');
    expect(dialog.textContent).toContain('Undo the run of');
    await waitFor(() => expect(all('restore-item').length).toBeGreaterThan(0));
    const possible = all('restore-item').filter((li) => !li.dataset.reason);
    for (const li of all('restore-item').filter((one) => one.dataset.reason))
      expect(li.querySelector('.why')?.textContent).not.toBe('');
    expect(await problems()).toEqual([]);
    if (possible.length) {
      await user.click(await get('restore-apply'));
      await waitFor(() => expect(document.body.textContent).toMatch(/Restored|Undo/));
    }
    expect(app).toBeDefined();
  }, 60_000);
});
