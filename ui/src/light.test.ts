/** What the window asks for, and when: ten thousand appointments are fetched only for somebody who looks at them. */
import { emit } from '@tauri-apps/api/event';
import { cleanup, render, waitFor } from '@testing-library/svelte';
import userEvent from '@testing-library/user-event';
import { afterEach, describe, expect, it, vi } from 'vitest';
import App from './App.svelte';
import '$lib/appointments/Agenda.svelte';
import '$lib/history/History.svelte';
import { appointments } from '$lib/appointments/state.svelte';
import { conflicts } from '$lib/conflicts/state.svelte';
import { overview } from '$lib/overview/state.svelte';
import { settings } from '$lib/settings/state.svelte';
import { info } from '$lib/shell/info.svelte';
import { go } from '$lib/shell/router.svelte';
import { start } from './mock/ipc';
import type { Scenario } from './mock/model';

const SLOW = 40_000;
const find = (test: string): HTMLElement | null => document.querySelector(`[data-test="${test}"]`);
const get = (test: string): Promise<HTMLElement> =>
  waitFor(() => find(test) ?? Promise.reject(new Error(`no ${test}`)), { timeout: 10_000 });
const all = (test: string) => [...document.querySelectorAll<HTMLElement>(`[data-test="${test}"]`)];

async function open(scenario: Scenario, route: string, options: Parameters<typeof start>[1] = {}) {
  const app = start(scenario, { language: 'en', ...options });
  location.hash = `#${route}`;
  render(App);
  await get('headline');
  await waitFor(() => expect(app.asked('window_ready')).toBe(1));
  return app;
}

afterEach(() => {
  cleanup();
  vi.useRealTimers();
  for (const resource of [overview, appointments, conflicts, settings, info]) resource.clear();
  document.body.innerHTML = '';
});

describe('the list of all appointments', () => {
  it(
    'is not asked for by the dashboard, and again only while somebody shows it',
    async () => {
      const app = await open('healthy', '/');
      await get('week');
      await app.changed('overview', 'appointments');
      await waitFor(() => expect(app.asked('get_overview')).toBe(2));
      expect(app.asked('list_appointments')).toBe(0);

      go('/appointments');
      await get('agenda');
      expect(app.asked('list_appointments')).toBe(1);
      await app.changed('appointments');
      await waitFor(() => expect(app.asked('list_appointments')).toBe(2));

      go('/');
      await get('week');
      go('/appointments');
      await get('agenda');
      expect(app.asked('list_appointments')).toBe(2);
      go('/');
      await get('week');
      await app.changed('appointments');
      expect(app.asked('list_appointments')).toBe(2);
      go('/appointments');
      await waitFor(() => expect(app.asked('list_appointments')).toBe(3));
    },
    SLOW,
  );

  it('is let go when nobody has needed it for a while', async () => {
    start('healthy');
    vi.useFakeTimers();
    const stop = appointments.use();
    await appointments.ensure();
    await vi.advanceTimersByTimeAsync(3_600_000);
    expect(appointments.value?.length).toBe(42);
    stop();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(appointments.value?.length).toBe(42);
    await vi.advanceTimersByTimeAsync(3_600_000);
    expect(appointments.value).toBeUndefined();
  });

  it('keeps a row that did not change, and tells of one that did', async () => {
    const app = start('healthy');
    await appointments.ensure();
    const before = appointments.value;
    Object.assign(app.state.rows[1] ?? {}, { badge: 'problem' });
    await appointments.refresh();
    expect(appointments.value?.[0]).toBe(before?.[0]);
    expect(appointments.value?.[1]?.badge).toBe('problem');
  });
});

describe('an appointment that is opened', () => {
  it(
    'shows its row at once and its steps when they are known, in room that was kept',
    async () => {
      const user = userEvent.setup();
      const app = await open('agenda', '/appointments', { slowMs: 120 });
      await waitFor(() => expect(all('appointment-open').length).toBeGreaterThan(2));
      await user.click(all('appointment-open')[0] as HTMLElement);
      const inspector = await get('inspector');
      expect(find('why')?.textContent).toBeTruthy();
      expect(find('facts')).not.toBeNull();
      const chain = inspector.querySelector('ol');
      expect(chain?.getAttribute('aria-busy')).toBe('true');
      expect(chain?.children.length).toBe(10);
      expect(all('check')).toEqual([]);
      await waitFor(() => expect(all('check').length).toBe(10));
      expect(chain?.getAttribute('aria-busy')).toBe('false');

      Object.assign(app.state.rows[0] ?? {}, {
        checks: app.state.rows[0]?.checks.map((c) => (c.check === 'private' ? { ...c, passed: false } : c)),
      });
      await app.changed('appointments');
      await waitFor(() =>
        expect(document.querySelector('[data-check="private"]')?.getAttribute('data-passed')).toBe('false'),
      );
      expect(all('check').length).toBe(10);
    },
    SLOW,
  );

  it(
    'says so when it is not there any more',
    async () => {
      const app = await open('agenda', '/appointments/apt_1');
      await waitFor(() => expect(all('check').length).toBe(10));
      app.state.rows.shift();
      await app.changed('appointments');
      await get('agenda-gone');
      expect(find('inspector')).toBeNull();
    },
    SLOW,
  );

  it(
    'tells its life in the history without the list',
    async () => {
      const app = await open('healthy', '/history?appointment=apt_2');
      await get('life-open');
      app.state.rows = app.state.rows.filter((row) => row.id !== 'apt_2');
      await app.changed('appointments');
      await waitFor(() => expect(find('life-open')).toBeNull());
      expect(app.asked('list_appointments')).toBe(0);
    },
    SLOW,
  );
});

describe('light and dark', () => {
  it(
    'follow the desktop without a question about the app',
    async () => {
      const app = await open('healthy', '/');
      await app.changed('settings');
      await waitFor(() => expect(app.asked('get_settings')).toBe(2));
      await emit('appearance-changed', { system_theme: 'dark' });
      await waitFor(() => expect(document.documentElement.dataset.theme).toBe('dark'));
      await emit('appearance-changed', { system_theme: 'light' });
      await waitFor(() => expect(document.documentElement.dataset.theme).toBeUndefined());
      expect(app.asked('app_info')).toBe(1);
    },
    SLOW,
  );
});
