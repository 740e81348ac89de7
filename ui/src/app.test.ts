import { cleanup, render, screen, waitFor, within } from '@testing-library/svelte';
import userEvent from '@testing-library/user-event';
import axe from 'axe-core';
import { afterEach, describe, expect, it } from 'vitest';
import App from './App.svelte';
// Loaded when first needed, which a loaded machine would make a test wait for.
import '$lib/appointments/Agenda.svelte';
import '$lib/conflicts/Decisions.svelte';
import '$lib/history/History.svelte';
import '$lib/settings/Settings.svelte';
import { appointments } from '$lib/appointments/state.svelte';
import { conflicts } from '$lib/conflicts/state.svelte';
import { signIn } from '$lib/onboarding/signin.svelte';
import { overview } from '$lib/overview/state.svelte';
import { SECTIONS } from '$lib/settings/sections';
// Loaded by the window when needed; a slow machine's first look at them is not part of a test.
import '$lib/settings/About.svelte';
import '$lib/settings/Advanced.svelte';
import '$lib/settings/Settings.svelte';
import { settings } from '$lib/settings/state.svelte';
import { info } from '$lib/shell/info.svelte';
import { start } from './mock/ipc';
import { SCENARIOS, type Scenario } from './mock/model';

const find = (test: string, root: ParentNode = document): HTMLElement | null =>
  root.querySelector(`[data-test="${test}"]`);
const get = async (test: string): Promise<HTMLElement> =>
  waitFor(() => find(test) ?? Promise.reject(new Error(`no ${test}`)), { timeout: 5_000 });

async function open(scenario: Scenario, route = '/', language = 'en') {
  const app = start(scenario, { language, slowMs: 0 });
  location.hash = `#${route}`;
  render(App);
  await get('headline');
  return app;
}

afterEach(() => {
  cleanup();
  for (const resource of [overview, appointments, conflicts, settings, info]) resource.clear();
  signIn.view = null;
  signIn.error = undefined;
  document.body.innerHTML = '';
});

/** Rules that need real layout or colours run in the real engine instead. */
async function problems(): Promise<string[]> {
  const result = await axe.run(document.body, {
    rules: { 'color-contrast': { enabled: false }, region: { enabled: false } },
  });
  return result.violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html.slice(0, 160)).join(' | ')}`);
}

describe('damaged data', () => {
  it('is said on the first page, with the name of the file that was kept', async () => {
    const app = await open('fresh');
    expect(find('database-rebuilt')).toBeNull();
    app.state.overview.problem = {
      code: 'database_rebuilt',
      service: null,
      detail: 'roundtrip.damaged-20261121T080000Z.db',
      since: null,
      retry_at: null,
      action: 'none',
    };
    await app.changed('overview');
    const said = await get('database-rebuilt');
    expect(said.textContent).toContain('damaged');
    expect(said.textContent).toContain('roundtrip.damaged-20261121T080000Z.db');
    expect(await problems()).toEqual([]);
  }, 60_000);
});

describe('every screen', () => {
  for (const scenario of SCENARIOS)
    it(`has no accessibility problem in "${scenario}"`, async () => {
      await open(scenario);
      if (scenario === 'preview') await get('start-syncing');
      expect(await problems()).toEqual([]);
    }, 60_000);

  const places = [
    '/appointments',
    '/appointments/apt_5',
    '/conflicts/cf_1',
    '/conflicts/cf_3',
    '/history',
    '/history?view=runs',
    '/connect/google',
  ];
  const sections = SECTIONS.map((s) => `/settings?section=${s}`);
  for (const place of [...places, ...sections])
    it(`has no accessibility problem at ${place}, in German`, async () => {
      await open('conflicts', place, 'de');
      await waitFor(() => expect(document.documentElement.lang).toBe('de'));
      expect(await problems()).toEqual([]);
    }, 60_000);
});

describe('a rest behind something that comes first', () => {
  it('can be ended beside the headline while a decision is open', async () => {
    const user = userEvent.setup();
    const app = await open('conflicts');
    expect(find('turn-on')).toBeNull();
    Object.assign(app.state.overview, { enabled: false, next_sync_at: null });
    await app.changed('overview');
    expect((await get('rests')).textContent).toBe('Syncing is turned off.');
    expect((await get('overall-state')).dataset.state).toBe('needs_attention');
    expect(find('sync-now')).toBeNull();
    expect(await problems()).toEqual([]);
    await user.click(await get('turn-on'));
    await waitFor(() => expect(app.state.overview.enabled).toBe(true));
    await get('sync-now');
    Object.assign(app.state.overview, { paused_for_ever: true });
    await app.changed('overview');
    expect((await get('rests')).textContent).toBe('Paused until you resume.');
    await get('resume');
  }, 60_000);
});

describe('the next visits', () => {
  it('keep what a title from outside does to themselves', async () => {
    const app = await open('healthy');
    await get('next-row');
    const [first, second] = [...document.querySelectorAll<HTMLElement>('[data-test="next-row"]')].map((link) =>
      app.state.rows.find((row) => row.id === link.dataset.id),
    );
    Object.assign(first ?? {}, { title: `\u2069\u202e${'x'.repeat(500)}`, location: '\u202eHof' });
    Object.assign(second ?? {}, { title: '\u200b\u2060' });
    await app.changed('overview');
    const shown = (id: string | undefined, part: string) =>
      document.querySelector(`[data-test="next-row"][data-id="${id}"] .${part} > bdi`)?.textContent;
    await waitFor(() => expect(shown(first?.id, 'title')).toBe(`\u2068\u202e${'x'.repeat(119)}…\u2069`));
    expect(shown(first?.id, 'place')).toBe('\u202eHof');
    // Nothing to see is no name for a link.
    expect(shown(second?.id, 'title')).toBe('an appointment');
    expect(await problems()).toEqual([]);
  }, 60_000);
});

describe('the last 24 hours', () => {
  it('says that nothing ran yet only where nothing ever did', async () => {
    const app = await open('healthy');
    const sum = () => document.querySelector('#beat-title')?.nextElementSibling?.textContent;
    Object.assign(app.state.overview, { heartbeat: [], first_run_at: new Date(Date.now() - 4e8).toISOString() });
    await app.changed('overview');
    await waitFor(() => expect(sum()).toBe('Nothing in the last 24 hours'));
    expect(find('heartbeat-gap')?.dataset.reason).toBe('unknown');
    app.state.overview.first_run_at = null;
    await app.changed('overview');
    await waitFor(() => expect(sum()).toBe('Nothing ran yet'));
  }, 60_000);
});

describe('the way in', () => {
  it('asks for the address, then Google, then shows the preview, and writes nothing before "Start syncing"', async () => {
    const user = userEvent.setup();
    const app = await open('fresh');
    await user.click(await get('connect-platform'));
    expect(screen.getByText(/Type the address/)).toBeTruthy();
    await user.type(await get('platform-address'), 'linden-akademie.example');
    await user.click(await get('connect-platform'));
    expect((await get('sign-in-waiting')).dataset.service).toBe('platform');
    await user.click(await get('connect-google'));
    expect((await get('sign-in-waiting')).dataset.service).toBe('google');
    const button = await get('start-syncing');
    expect((await get('headline')).textContent).toBe('24 will be added.');
    expect(app.state.overview.started).toBe(false);
    await user.click(await get('preview-toggle'));
    expect(document.querySelectorAll('[data-test="preview-item"]')).toHaveLength(24);
    // A title from outside may turn the direction of writing, and turns only its own.
    expect(document.querySelectorAll('[data-test="preview-item"] .title > bdi')).toHaveLength(24);
    await user.click(button);
    await waitFor(() => expect(find('overall-state')?.dataset.state).toBe('up_to_date'), { timeout: 8_000 });
  }, 30_000);

  it('says in words what is wrong with an address', async () => {
    const user = userEvent.setup();
    await open('fresh');
    await user.type(await get('platform-address'), 'nowhere.example');
    await user.click(await get('connect-platform'));
    expect((await get('sign-in-problem')).dataset.code).toBe('no_platform');
    expect(find('platform-address')?.getAttribute('aria-invalid')).toBe('true');
  });
});

describe('dashboard', () => {
  it('shows one state with its word', async () => {
    await open('offline');
    expect(document.querySelectorAll('[data-test="overall-state"]')).toHaveLength(1);
    expect(find('overall-state')?.textContent).toContain('Waiting (offline)');
    expect(find('problem-card')).toBeNull();
  });

  it('shows a problem with its one button, which starts the sign-in', async () => {
    const user = userEvent.setup();
    await open('reauth');
    const card = await get('problem-card');
    expect(
      within(card)
        .getAllByRole('button')
        .filter((b) => b.classList.contains('primary')),
    ).toHaveLength(1);
    await user.click(await get('problem-action'));
    expect((await get('sign-in-waiting')).dataset.service).toBe('google');
  });

  it('follows the app without a click', async () => {
    const app = await open('healthy');
    expect(find('overall-state')?.dataset.state).toBe('up_to_date');
    app.state.overview.state = 'offline';
    await app.changed('overview');
    await waitFor(() => expect(find('overall-state')?.dataset.state).toBe('offline'));
  });

  it('turns German with the setting, without a reload', async () => {
    const user = userEvent.setup();
    await open('healthy', '/settings?section=look');
    await user.click(await get('language-de'));
    await waitFor(() => expect(find('headline')?.textContent).toBe('Einstellungen'));
    expect(find('nav-decisions')?.textContent).toContain('Entscheidungen');
  });
});

describe('decisions', () => {
  it('keeps the platform left, and dates with their side', async () => {
    await open('conflicts', '/conflicts/cf_1');
    const columns = [...document.querySelectorAll<HTMLElement>('[data-test="side-column"]')];
    expect(columns.map((c) => c.dataset.side)).toEqual(['platform', 'calendar']);
    expect(columns[0]?.textContent).toContain('Jana Roth');
    expect(columns[1]?.textContent).toContain('changed by you');
  });

  it('previews, applies by keyboard, and goes on to the next one', async () => {
    const user = userEvent.setup();
    const app = await open('conflicts', '/conflicts/cf_1');
    await user.keyboard('2');
    expect(find('consequence')?.textContent).toContain('tells the admin');
    expect(find('resolve-apply')?.textContent).toMatch(/^Keep /);
    await user.keyboard('{Control>}{Enter}{/Control}');
    await waitFor(() => expect(find('conflict')?.dataset.id).toBe('cf_2'));
    expect(app.state.conflicts.map((c) => c.id)).toEqual(['cf_2', 'cf_3']);
  });

  it('shows the new state when it changed meanwhile, and writes nothing', async () => {
    const user = userEvent.setup();
    const app = await open('conflicts', '/conflicts/cf_1');
    const held = app.state.conflicts[0];
    if (held) held.seen = { version: 8, etag: '"e9"' };
    await user.keyboard('1');
    await user.click(await get('resolve-apply'));
    await get('conflict-stale');
    expect(app.state.conflicts).toHaveLength(3);
    expect((find('resolve-apply') as HTMLButtonElement).disabled).toBe(true);
  });

  it('merges per field only once each has a side', async () => {
    const user = userEvent.setup();
    await open('conflicts', '/conflicts/cf_3');
    await user.click(await get('resolve-merge'));
    const apply = (await get('resolve-apply')) as HTMLButtonElement;
    const pick = (field: string) =>
      user.click(document.querySelector(`[data-test="merge-platform"][data-field="${field}"]`) as HTMLElement);
    await pick('time');
    await pick('location');
    expect(apply.disabled).toBe(true);
    await pick('notes');
    expect(apply.disabled).toBe(false);
  });

  it('ends calmly', async () => {
    await open('healthy', '/conflicts');
    await get('no-conflicts');
  });
});

describe('before anything is connected', () => {
  it('can already change language and look', async () => {
    const user = userEvent.setup();
    await open('fresh', '/settings?section=look');
    await user.click(await get('language-de'));
    await waitFor(() => expect(find('headline')?.textContent).toBe('Einstellungen'));
    expect(document.querySelector('[data-sonner-toast][data-type="error"]')).toBeNull();
  });

  it('says once that closing keeps syncing', async () => {
    const user = userEvent.setup();
    await open('preview');
    expect(find('hide-hint')).toBeNull();
    await user.click(await get('start-syncing'));
    await user.click(await get('hide-hint-ok'));
    await waitFor(() => expect(find('hide-hint')).toBeNull());
  });
});

describe('agenda', () => {
  it('finds as you type, says which filter hides things, and clears it', async () => {
    const user = userEvent.setup();
    await open('many', '/appointments');
    await waitFor(() => expect(find('agenda-count')?.textContent).toContain('2,000'));
    await user.type(await get('agenda-search'), 'zzz');
    expect((await get('agenda-none')).textContent).toContain('zzz');
    await user.click(await get('clear-filters'));
    await waitFor(() => expect(find('agenda-none')).toBeNull());
  }, 20_000);

  it('draws a small part of 2,000 rows', async () => {
    await open('many', '/appointments');
    await waitFor(() => expect(document.querySelectorAll('[data-test="appointment-row"]').length).toBeGreaterThan(3));
    expect(document.querySelectorAll('[data-test="appointment-row"]').length).toBeLessThan(80);
  });

  it('says why one is not in the calendar', async () => {
    await open('healthy', '/appointments/apt_5');
    expect((await get('why')).textContent).toBe('Not in the calendar: type is off.');
    await waitFor(() =>
      expect(document.querySelector('[data-test="check"][data-passed="false"]')?.getAttribute('data-check')).toBe(
        'type',
      ),
    );
  });
});

describe('settings', () => {
  it('asks before it writes names into the calendar', async () => {
    const user = userEvent.setup();
    const app = await open('healthy', '/settings?section=content');
    await user.click(await get('setting-client-names'));
    await get('names-dialog');
    expect(app.state.settings.client_names).toBe(false);
    await user.click(await get('names-confirm'));
    await user.click(await get('change-confirm'));
    await waitFor(() => expect(app.state.settings.client_names).toBe(true));
  });

  it('asks with the number before a rule removes events', async () => {
    const user = userEvent.setup();
    const app = await open('healthy', '/settings?section=which');
    await user.click(await get('type-workshop'));
    expect((await get('change-confirm')).textContent).toMatch(/^Apply: remove \d+ events$/);
    await user.click(await get('change-cancel'));
    await waitFor(() => expect(find('dry-run')).toBeNull());
    expect(app.state.settings.types.find((t) => t.id === 'workshop')?.on).toBe(true);
    expect(find('type-workshop')?.getAttribute('aria-checked')).toBe('true');
  });

  it('keeps the events unless told otherwise', async () => {
    const user = userEvent.setup();
    await open('healthy', '/settings?section=accounts');
    await user.click(await get('disconnect-google'));
    expect((await get('disconnect-confirm')).textContent).toBe('Disconnect');
    await user.click(await get('disconnect-events-delete'));
    await waitFor(() => expect(find('disconnect-confirm')?.textContent).toMatch(/^Disconnect and delete \d+ events$/));
  });
});
