import { cleanup, render, waitFor } from '@testing-library/svelte';
import userEvent from '@testing-library/user-event';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import App from '../../App.svelte';
import { appointments } from '$lib/appointments/state.svelte';
import { conflicts } from '$lib/conflicts/state.svelte';
import { overview } from '$lib/overview/state.svelte';
import { info } from '$lib/shell/info.svelte';
import { start } from '../../mock/ipc';
import { change } from './change.svelte';
// Loaded by the window when needed; a slow machine's first look at it is not part of a test.
import './Settings.svelte';
import { settings } from './state.svelte';

const find = (test: string) => document.querySelector<HTMLElement>(`[data-test="${test}"]`);
const get = async (test: string): Promise<HTMLElement> =>
  waitFor(() => find(test) ?? Promise.reject(new Error(`no ${test}`)), { timeout: 5_000 });
const gone = (test: string) => waitFor(() => expect(find(test)).toBeNull(), { timeout: 5_000 });
const pick = async (test: string) => userEvent.setup().click(await get(test));
const disabled = (test: string) => find(test)?.hasAttribute('disabled');
const retrying = (app: Played) => {
  const row = app.state.rows.find((r) => r.badge === 'waiting');
  if (row) row.reason = 'retrying';
};

type Played = ReturnType<typeof start>;
let answer = () => {};
/** The settings of the calendar; the app answers `held` only when `answer` is called. */
async function open(held: string, before?: (app: Played) => void) {
  const waits = new Promise<void>((resolve) => (answer = resolve));
  const app = start('healthy', {
    language: 'en',
    slowMs: 0,
    before: (command) => (command === held ? waits : undefined),
  });
  before?.(app);
  location.hash = '#/settings?section=calendar';
  render(App);
  await userEvent.setup().type(await get('calendar-id'), 'work@example.com');
  return app;
}

vi.setConfig({ testTimeout: 40_000 });
beforeEach(() => localStorage.clear());
afterEach(async () => {
  cleanup();
  answer();
  await waitFor(() => expect(change.applying).toBe(false));
  change.reset();
  for (const resource of [overview, appointments, conflicts, settings, info]) resource.clear();
  document.body.innerHTML = '';
});

describe('while both sides are looked at before another calendar is taken', () => {
  it('the dry run says so, and offers no more to leave it as it is', async () => {
    const app = await open('change_settings');
    await pick('calendar-id-save');
    expect((await get('change-looking')).textContent).toContain('Looking at both sides');
    for (const button of ['change-cancel', 'calendar-id-save']) expect(disabled(button), button).toBe(true);
    expect(find('calendar-looking')).toBeNull();
    answer();
    await gone('dry-run');
    expect(app.state.settings.calendar_id).toBe('work@example.com');
    expect(disabled('calendar-id-save')).toBe(false);
  });

  it('a question about moves waits for the answer, and then can be left as it is', async () => {
    const app = await open('change_settings', retrying);
    await pick('calendar-id-save');
    await get('change-looking');
    answer();
    await get('change-unreported');
    expect([disabled('change-cancel'), find('change-looking')]).toEqual([false, null]);
    await pick('change-cancel');
    await gone('dry-run');
    expect(app.state.settings.calendar_id).toBe('primary');
  });

  for (const [where, hold, before] of [
    [
      'in the place of one that is gone',
      'choose_calendar',
      (app: Played) => {
        const problem = { code: 'calendar_not_found', service: 'google', detail: null, since: null, retry_at: null };
        app.state.overview.problem = { ...problem, action: 'choose_calendar' };
      },
    ],
    ['before the start', 'change_settings', (app: Played) => (app.state.overview.started = false)],
  ] as const)
    it(`the page says so and takes no other one: ${where}`, async () => {
      const app = await open(hold, before);
      await pick('calendar-id-save');
      expect((await get('calendar-looking')).textContent).toContain('Looking at both sides');
      for (const field of ['calendar-id', 'calendar-id-save']) expect(disabled(field), field).toBe(true);
      answer();
      await gone('calendar-looking');
      expect([disabled('calendar-id-save'), app.asked(hold)]).toEqual([false, 1]);
      expect(app.state.settings.calendar_id).toBe('work@example.com');
    });

  it('what is chosen meanwhile stays, to be looked at and applied by itself', async () => {
    const app = await open('change_settings');
    await pick('calendar-id-save');
    await get('change-looking');
    change.propose('calendar', 'color', { color: '5' });
    answer();
    await waitFor(() => expect(app.state.settings.calendar_id).toBe('work@example.com'));
    await waitFor(() => expect(change.applying).toBe(false));
    expect(change.draft?.patch.color).toBe('5');
    expect(app.state.settings.color).not.toBe('5');
    await waitFor(() => expect(disabled('change-confirm')).toBe(false));
    await pick('change-confirm');
    await gone('dry-run');
    expect(app.state.settings.color).toBe('5');
  });

  it('what is chosen after leaving the page is not asked what the calendar would cost', async () => {
    await open('change_settings', retrying);
    await pick('calendar-id-save');
    await get('change-looking');
    change.cancel();
    change.propose('calendar', 'color', { color: '5' });
    answer();
    await waitFor(() => expect(change.applying).toBe(false));
    expect([change.movesBehind, change.draft?.patch]).toEqual([0, { color: '5' }]);
  });
});
