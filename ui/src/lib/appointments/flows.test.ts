import { cleanup, configure, render, waitFor } from '@testing-library/svelte';
import userEvent from '@testing-library/user-event';
import axe from 'axe-core';
import { afterEach, describe, expect, it } from 'vitest';
import App from '../../App.svelte';
import { appointments } from '$lib/appointments/state.svelte';
import { conflicts } from '$lib/conflicts/state.svelte';
import { overview } from '$lib/overview/state.svelte';
import { settings } from '$lib/settings/state.svelte';
import { info } from '$lib/shell/info.svelte';
import { undo } from '$lib/shell/undo.svelte';
import { start } from '../../mock/ipc';
import type { Scenario } from '../../mock/model';

const SLOW = 40_000;
// The week is loaded when it is first asked for.
configure({ asyncUtilTimeout: 8_000 });
const find = (test: string, root: ParentNode = document): HTMLElement | null =>
  root.querySelector(`[data-test="${test}"]`);
const get = async (test: string): Promise<HTMLElement> =>
  waitFor(() => find(test) ?? Promise.reject(new Error(`no ${test}`)), { timeout: 8_000 });
const all = (test: string) => [...document.querySelectorAll<HTMLElement>(`[data-test="${test}"]`)];

// A Saturday; the week that follows holds everything.
async function open(scenario: Scenario, route: string, language = 'en') {
  const app = start(scenario, { language });
  location.hash = `#${route}`;
  render(App);
  await get('headline');
  return app;
}

async function serious(): Promise<string[]> {
  const result = await axe.run(document.body, {
    rules: { 'color-contrast': { enabled: false }, region: { enabled: false } },
  });
  return result.violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html.slice(0, 160)).join(' | ')}`);
}

afterEach(() => {
  cleanup();
  for (const resource of [overview, appointments, conflicts, settings, info]) resource.clear();
  undo.clear();
  document.body.innerHTML = '';
});

/** The first day with an appointment that is not today, so that the week is one the scenario filled. */
const full = (app: Awaited<ReturnType<typeof open>>) => app.state.rows[3]?.start.slice(0, 10) ?? '';

describe('agenda', () => {
  it(
    'walks by arrows, opens by Enter, closes by Escape, and finds by "/"',
    async () => {
      const user = userEvent.setup();
      await open('agenda', '/appointments');
      await waitFor(() => expect(all('appointment-open').length).toBeGreaterThan(2));
      await user.keyboard('{ArrowDown}');
      await waitFor(() => expect(document.activeElement?.getAttribute('data-row')).toBe('apt_2'));
      await user.keyboard('{ArrowDown}');
      await waitFor(() => expect(document.activeElement?.getAttribute('data-row')).toBe('apt_3'));
      await user.keyboard('{Enter}');
      expect((await get('inspector')).dataset.id).toBe('apt_3');
      expect(location.hash).toBe('#/appointments/apt_3');
      await user.keyboard('{Escape}');
      await waitFor(() => expect(find('inspector')).toBeNull());
      await user.keyboard('{Home}');
      await waitFor(() => expect(document.activeElement?.getAttribute('data-row')).toBe('apt_1'));
      await user.keyboard('/');
      expect(document.activeElement).toBe(find('agenda-search'));
      await user.keyboard('zzz');
      await get('agenda-none');
      await user.keyboard('{Escape}');
      await waitFor(() => expect(find('agenda-none')).toBeNull());
    },
    SLOW,
  );

  it(
    'offers on the badge what can be done, and takes it back',
    async () => {
      const user = userEvent.setup();
      const app = await open('agenda', '/appointments');
      await waitFor(() => expect(all('appointment-menu').length).toBeGreaterThan(2));
      const badge = all('appointment-menu')[0] as HTMLElement;
      expect(badge.getAttribute('aria-label')).toBe('Synced · moved and reported. Actions for Linden-Apotheke');
      await user.click(badge);
      await get('act-exclude');
      expect(all('row-menu').length).toBe(1);
      expect(await serious()).toEqual([]);
      for (const act of ['act-sync-now', 'act-show-event', 'act-show-history']) expect(find(act)).not.toBeNull();
      await user.click(await get('act-exclude'));
      await waitFor(() => expect(app.state.rows[0]?.reason).toBe('excluded'));
      expect(undo.possible).toBe(true);
      undo.newest();
      await waitFor(() => expect(app.state.rows[0]?.reason).not.toBe('excluded'));
    },
    SLOW,
  );

  it(
    'counts what really is in the calendar, and follows the filters',
    async () => {
      const user = userEvent.setup();
      const app = await open('agenda', '/appointments');
      const total = app.state.rows.length;
      await waitFor(() =>
        expect(find('agenda-count')?.textContent).toMatch(new RegExp(`of ${total} appointments are`)),
      );
      await user.selectOptions(await get('filter-calendar'), 'out');
      await waitFor(() => expect(find('agenda-count')?.dataset.inside).toBe('0'));
      expect(location.hash).toContain('calendar=out');
      await user.click(await get('filter-removed'));
      await waitFor(() => expect(find('agenda-count')?.dataset.shown).toBe('1'));
      expect(all('appointment-row').map((r) => r.dataset.badge)).toEqual(['removed']);
      expect(location.hash).toContain('state=removed');
    },
    SLOW,
  );

  it(
    'says which of two filters hides things, and takes that one away',
    async () => {
      const user = userEvent.setup();
      await open('agenda', '/appointments?q=linden&state=problem');
      expect((await get('agenda-none')).textContent).toMatch(/“linden” and “Problem” hide all of them together/);
      await user.click(await get('without-state'));
      await waitFor(() => expect(find('agenda-none')).toBeNull());
      expect(location.hash).toBe('#/appointments?q=linden');
    },
    SLOW,
  );

  it(
    'shows hostile titles as text',
    async () => {
      const app = await open('agenda', '/appointments?q=img');
      const hostile = app.state.rows.find((r) => r.title.startsWith('<img'));
      await waitFor(() => expect(all('appointment-row')).toHaveLength(1));
      const row = all('appointment-row')[0] as HTMLElement;
      expect(row.querySelector('.title')?.textContent?.trim()).toBe(hostile?.title);
      expect(document.querySelector('main img, main script')).toBeNull();
      expect(document.title).not.toBe('1');
    },
    SLOW,
  );

  it(
    'cuts a title of 10,000 characters, and gives it whole when opened',
    async () => {
      const start = await open('agenda', '/appointments');
      const long = start.state.rows.find((r) => r.title.length > 9_000);
      location.hash = `#/appointments/${long?.id}?q=bezeichnung`;
      await waitFor(() => expect(find('whole-title')?.textContent).toContain(long?.title.slice(-20)));
      const shown = document.querySelector(`[data-row="${long?.id}"] .title`)?.textContent ?? '';
      expect(shown.length).toBeLessThan(200);
    },
    SLOW,
  );
});

describe('why not', () => {
  it(
    'turns a type on with one click, shows first what else that changes, and takes it back',
    async () => {
      const user = userEvent.setup();
      const app = await open('agenda', '/appointments');
      const row = app.state.rows.find((r) => r.reason === 'type_off');
      const online = () => app.state.settings.types.find((t) => t.name === 'Online-Termin')?.on;
      location.hash = `#/appointments/${row?.id}`;
      expect((await get('why')).textContent).toContain('type is off');
      const fix = await get('fix-type');
      await waitFor(() => expect(fix.textContent).toBe('Turn “Online-Termin” on'));
      expect(online()).toBe(false);
      await user.click(fix);
      const more = await waitFor(() => (online() ? 'done' : (find('fix-apply') ?? Promise.reject(new Error('wait')))));
      if (more !== 'done') {
        expect(await serious()).toEqual([]);
        await user.click(more as HTMLElement);
      }
      await waitFor(() => expect(online()).toBe(true));
      expect(undo.possible).toBe(true);
      undo.newest();
      await waitFor(() => expect(online()).toBe(false));
    },
    SLOW,
  );

  it(
    'says why one is in the calendar, when both sides were read, and what became of a move',
    async () => {
      await open('agenda', '/appointments/apt_1');
      expect((await get('why')).textContent).toContain('In Google Calendar as it should be');
      expect(all('fact-read').map((f) => f.dataset.service)).toEqual(['platform', 'google']);
      expect((await get('fact-moved')).textContent).toMatch(/Moved by you · reported .* · Linden Akademie was told/);
      expect((find('fact-life') as HTMLAnchorElement).getAttribute('href')).toBe('#/history?appointment=apt_1');
    },
    SLOW,
  );

  it(
    'says in words that an event was made all-day',
    async () => {
      const app = await open('agenda', '/appointments');
      const id = app.state.rows.find((r) => r.conflict_id === 'cf_all_day')?.id;
      location.hash = `#/appointments/${id}?state=conflict`;
      await waitFor(() => expect(find('why')?.textContent ?? '').toContain('made the event all-day'));
      expect(find('act-decide-open')).not.toBeNull();
    },
    SLOW,
  );
});

describe('week', () => {
  it(
    'walks between appointments, days and weeks, opens beside, and comes back',
    async () => {
      const user = userEvent.setup();
      const app = await open('agenda', '/appointments');
      const day = full(app);
      location.hash = `#/appointments?view=week&day=${day}`;
      await waitFor(() => expect(all('week-block').length).toBeGreaterThan(10));
      const focused = () => (document.activeElement as HTMLElement).dataset;
      await user.keyboard('{ArrowDown}');
      await waitFor(() => expect(focused().test).toBe('week-block'));
      await user.keyboard('{Home}');
      await waitFor(() => expect(focused().id).toBe('apt_1'));
      await user.keyboard('{ArrowRight}');
      await waitFor(() => expect(focused().day).not.toBe(day));
      expect(all('week-block').filter((b) => b.tabIndex === 0)).toHaveLength(1);
      await user.keyboard('{Home}{Enter}');
      await waitFor(() => expect(find('week-panel')).not.toBeNull());
      await waitFor(() => expect(document.activeElement?.id).toBe('week-opened'));
      expect(await serious()).toEqual([]);
      await user.keyboard('{Escape}');
      await waitFor(() => expect(focused().id).toBe('apt_1'));
      expect(find('week-panel')).toBeNull();
      const before = find('week-title')?.dataset.first;
      await user.keyboard('{PageDown}');
      await waitFor(() => expect(find('week-title')?.dataset.first).not.toBe(before));
      await user.keyboard('{PageUp}');
      await waitFor(() => expect(find('week-title')?.dataset.first).toBe(before));
      await user.keyboard('t');
      await waitFor(() => expect(find('week-title')?.dataset.first).not.toBe(before));
    },
    SLOW,
  );

  it(
    'names every block in a whole sentence',
    async () => {
      const app = await open('agenda', '/appointments');
      location.hash = `#/appointments?view=week&day=${full(app)}`;
      await waitFor(() => expect(all('week-block').length).toBeGreaterThan(10));
      const sentence = all('week-block')
        .find((b) => b.dataset.reason === 'type_off')
        ?.querySelector('.sr-only')?.textContent;
      expect(sentence).toMatch(/^Monday.*: Teamrunde, Online-Termin\. Not synced · type is off\.$/);
      expect(find('week-weekend')).not.toBeNull();
      expect(await serious()).toEqual([]);
    },
    SLOW,
  );

  it(
    'has the same menu by the right mouse button, and the same filters',
    async () => {
      const user = userEvent.setup();
      const app = await open('agenda', '/appointments');
      location.hash = `#/appointments?view=week&day=${full(app)}&state=problem`;
      await waitFor(() => expect(all('week-block')).toHaveLength(1));
      await user.pointer({ keys: '[MouseRight]', target: all('week-block')[0] as HTMLElement });
      await user.click(await get('act-retry'));
      await waitFor(() => expect(app.state.rows.some((r) => r.badge === 'problem')).toBe(false));
    },
    SLOW,
  );

  it(
    'leads out of an empty week, and takes no nonsense for a day',
    async () => {
      const user = userEvent.setup();
      await open('healthy', '/appointments?view=week&day=2020-01-01', 'de');
      await user.click(await get('week-beyond'));
      await waitFor(() => expect(find('week-none')).toBeNull());
      location.hash = '#/appointments?view=week&day=2026-99-99';
      await waitFor(() => expect(find('week-title')?.dataset.first).toMatch(/^\d{4}-\d{2}-\d{2}$/));
      expect(await serious()).toEqual([]);
    },
    SLOW,
  );
});

describe('standing', () => {
  it(
    'says as of when, offline and paused, and which laptop writes',
    async () => {
      await open('offline', '/appointments');
      expect((await get('agenda-offline')).textContent).toMatch(/This is how it stood at/);
      cleanup();
      await open('second-laptop', '/appointments');
      expect((await get('agenda-other-writer')).textContent).toContain('Maras ThinkPad');
      expect(find('agenda-take-over')).not.toBeNull();
    },
    SLOW,
  );
});
