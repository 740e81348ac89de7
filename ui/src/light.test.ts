/** What the window asks for, and when: ten thousand appointments are fetched only for somebody who looks at them. */
import { emit } from '@tauri-apps/api/event';
import { cleanup, render, waitFor } from '@testing-library/svelte';
import userEvent from '@testing-library/user-event';
import { tick } from 'svelte';
import { afterEach, describe, expect, it, vi } from 'vitest';
import App from './App.svelte';
import '$lib/appointments/Agenda.svelte';
import '$lib/history/History.svelte';
import { appointments } from '$lib/appointments/state.svelte';
import { conflicts } from '$lib/conflicts/state.svelte';
import { overview } from '$lib/overview/state.svelte';
import { settings } from '$lib/settings/state.svelte';
import { setNow } from '$lib/i18n/now.svelte';
import { info } from '$lib/shell/info.svelte';
import { go } from '$lib/shell/router.svelte';
import { start } from './mock/ipc';
import type { MockRow } from './mock/data';
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
  vi.stubGlobal('scrollTo', () => undefined);
  vi.stubGlobal('scrollY', 0);
});

/** Holds back or refuses answers while a test wants it. */
function gate() {
  const held = new Map<string, Promise<void>>();
  const refused = new Set<string>();
  return {
    refused,
    before: async (command: string) => {
      await held.get(command);
      if (refused.has(command)) throw { code: 'offline', detail: null, field: null, retryable: true };
    },
    hold(command: string): () => void {
      let open = () => {};
      held.set(command, new Promise((done) => (open = done)));
      return () => (held.delete(command), open());
    },
  };
}

/** Everything that was drawn from now on, also for a moment only. */
function seen(...tests: string[]): Set<string> {
  const found = new Set<string>();
  const watch = new MutationObserver(() => tests.filter(find).forEach((test) => found.add(test)));
  watch.observe(document.body, { childList: true, subtree: true });
  return found;
}

/** Lets the window scroll, as no layout does here. */
function scrolling() {
  Object.defineProperty(document.documentElement, 'scrollHeight', { configurable: true, value: 100_000 });
  vi.stubGlobal('scrollTo', (to: number | ScrollToOptions, y = 0) => {
    vi.stubGlobal('scrollY', typeof to === 'number' ? y : (to.top ?? 0));
    dispatchEvent(new Event('scroll'));
  });
}

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

  it(
    'is not taken for the truth by who comes back after a change, and leads to what is new',
    async () => {
      const app = await open('healthy', '/appointments', { slowMs: 40 });
      await get('agenda');
      go('/');
      await get('week');
      const last = app.state.rows.at(-1) as MockRow;
      const later = (at: string) => new Date(Date.parse(at) + 86_400_000).toISOString();
      app.state.rows.push({ ...last, id: 'apt_new', start: later(last.start), end: later(last.end) });
      await app.changed('appointments');
      scrolling();
      const drawn = seen('agenda-gone', 'agenda-none');
      go('/appointments/apt_new');
      await waitFor(() => expect(document.querySelector('[data-row="apt_new"]')).not.toBeNull());
      expect((await get('inspector')).dataset.id).toBe('apt_new');
      expect([...drawn]).toEqual([]);
    },
    SLOW,
  );

  it(
    'does not call gone what a newer list, still on its way, may have',
    async () => {
      const gates = gate();
      const app = await open('healthy', '/appointments', gates);
      await get('agenda');
      const release = gates.hold('list_appointments');
      app.state.rows.push({ ...(app.state.rows.at(-1) as MockRow), id: 'apt_new' });
      await app.changed('appointments');
      const drawn = seen('agenda-gone');
      scrolling();
      const there = new Promise((done) => addEventListener('hashchange', done, { once: true }));
      go('/appointments/apt_new');
      await there;
      await tick();
      release();
      await waitFor(() => expect(document.querySelector('[data-row="apt_new"]')).not.toBeNull());
      expect([...drawn]).toEqual([]);
    },
    SLOW,
  );

  it('is fetched anew where a change came while one was under way for nobody who shows it', async () => {
    const gates = gate();
    const app = start('healthy', gates);
    const release = gates.hold('list_appointments');
    const waiting = appointments.ensure();
    app.state.rows.shift();
    appointments.changed();
    expect(app.asked('list_appointments')).toBe(1);
    // Who only waits for it gets what there is; who shows it does not.
    release();
    await waiting;
    expect(appointments.value?.length).toBe(41);
    const again = gates.hold('list_appointments');
    const stop = appointments.use();
    expect(appointments.value).toBeUndefined();
    expect(app.asked('list_appointments')).toBe(2);
    again();
    await waitFor(() => expect(appointments.value?.length).toBe(41));
    stop();
  });

  it('does not show what was under way when a change came', async () => {
    const gates = gate();
    start('healthy', gates);
    const first = gates.hold('list_appointments');
    const waiting = appointments.ensure();
    await tick();
    appointments.changed();
    const second = gates.hold('list_appointments');
    const stop = appointments.use();
    first();
    await waiting;
    expect(appointments.value).toBeUndefined();
    expect(appointments.loading).toBe(true);
    second();
    await waitFor(() => expect(appointments.value?.length).toBe(42));
    expect(appointments.loading).toBe(false);
    stop();
  });

  it('does not come back once it was let go', async () => {
    const gates = gate();
    start('healthy', gates);
    vi.useFakeTimers();
    const release = gates.hold('list_appointments');
    const waiting = appointments.ensure();
    await vi.advanceTimersByTimeAsync(3_600_000);
    release();
    await waiting;
    expect(appointments.value).toBeUndefined();
    // Nothing stands in the way of the next one.
    await appointments.ensure();
    expect(appointments.value?.length).toBe(42);
  });

  it(
    'is missing nothing while it is on its way',
    async () => {
      const user = userEvent.setup();
      const gates = gate();
      await open('healthy', '/history', gates);
      const release = gates.hold('list_appointments');
      await user.type(await get('history-find'), 'qqq');
      const said = () => find('history-find')?.parentElement?.querySelector('[role="status"]')?.textContent;
      expect(said()).toBe('');
      release();
      await waitFor(() => expect(said()).toBe('No appointment is called that.'));
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
    'is not asked about again by what is typed',
    async () => {
      const user = userEvent.setup();
      const app = await open('agenda', '/appointments/apt_1');
      await waitFor(() => expect(all('check').length).toBe(10));
      await user.type(await get('agenda-search'), 'lin');
      await waitFor(() => expect(location.hash).toContain('q=lin'));
      expect(find('inspector')?.dataset.id).toBe('apt_1');
      expect(app.asked('get_appointment')).toBe(1);
      await app.changed('appointments');
      await waitFor(() => expect(app.asked('list_appointments')).toBe(2));
      await waitFor(() => expect(appointments.loading).toBe(false));
      expect(app.asked('get_appointment')).toBe(2);
    },
    SLOW,
  );

  it(
    'says so when no list has it, also where it was known before',
    async () => {
      const user = userEvent.setup();
      const gates = gate();
      const app = await open('agenda', '/appointments/apt_1', gates);
      await waitFor(() => expect(all('check').length).toBe(10));
      app.state.rows.shift();
      gates.hold('list_appointments');
      await app.changed('appointments');
      await get('inspector-gone');
      expect(all('check')).toEqual([]);
      // Opened once more, nothing of what was known is left.
      await user.click(all('appointment-open')[0] as HTMLElement);
      await waitFor(() => expect(find('inspector')).toBeNull());
      const release = gates.hold('get_appointment');
      await user.click(all('appointment-open')[0] as HTMLElement);
      await get('inspector');
      expect(all('check')).toEqual([]);
      release();
      await get('inspector-gone');
    },
    SLOW,
  );

  it(
    'says so when it cannot be asked about, with and without what was known',
    async () => {
      const user = userEvent.setup();
      const gates = gate();
      gates.refused.add('get_appointment');
      const app = await open('agenda', '/appointments/apt_1', gates);
      await get('inspector-problem');
      expect(all('check')).toEqual([]);
      expect(find('why')?.textContent).toBeTruthy();
      gates.refused.clear();
      await user.click(await get('inspector-problem-action'));
      await waitFor(() => expect(all('check').length).toBe(10));
      expect(find('inspector-problem')).toBeNull();
      gates.refused.add('get_appointment');
      await app.changed('appointments');
      await get('inspector-problem');
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

describe('the week of the dashboard', () => {
  it(
    'is asked for again when its first day is over',
    async () => {
      const app = await open('healthy', '/');
      await get('week');
      expect(app.asked('get_overview')).toBe(1);
      setNow(Date.now() + 1_000);
      setNow(Date.now() + 86_400_000);
      await waitFor(() => expect(app.asked('get_overview')).toBeGreaterThan(1));
    },
    SLOW,
  );

  it(
    'says how many of a crowded day it does not show',
    async () => {
      const app = await open('healthy', '/');
      await get('week');
      expect(all('week-more')).toEqual([]);
      // By the days that are shown: which row is in them is for the weekday to say on which this runs.
      const day = app.state.overview.week.find((one) => one.rows.length > 0);
      const one = app.state.rows.find((row) => row.id === day?.rows[0]?.id) as MockRow;
      for (let i = day?.count ?? 0; i < 50; i += 1) app.state.rows.push({ ...one, id: `apt_many_${i}` });
      await app.changed('overview');
      expect((await get('week-more')).textContent).toBe('+14');
      expect(find('week')?.textContent).toContain('50 appointments, 14 of them not shown here');
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
