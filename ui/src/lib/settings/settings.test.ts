import { fireEvent, render, waitFor } from '@testing-library/svelte';
import userEvent from '@testing-library/user-event';
import { describe, expect, it } from 'vitest';
import App from '../../App.svelte';
import { start } from '../../mock/ipc';
import { change, withPatch } from './change.svelte';
import { findSettings } from './find';
import { sectionsFor } from './sections';
import { auditDetails } from './audit';
import { settings } from './state.svelte';
import { all, eachAlone, find, get, gone, open, pick, problems, type, type Played } from './testing';

eachAlone();

describe('what a change would do', () => {
  it('is shown with numbers and the next seven days, and nothing is applied before the yes', async () => {
    const app = await open('which');
    await pick('type-pharmacy_visit');
    const totals = await get('dry-run-totals');
    expect(Number(totals.dataset.removed)).toBeGreaterThan(10);
    expect(all('dry-run-day')).toHaveLength(7);
    expect(all('dry-run-item').every((i) => i.dataset.action === 'removed')).toBe(true);
    expect(app.state.settings.types.find((t) => t.id === 'pharmacy_visit')?.on).toBe(true);
    expect(find('type-pharmacy_visit')?.getAttribute('aria-checked')).toBe('false');
    expect(await problems()).toEqual([]);
    await pick('change-confirm');
    await waitFor(() => expect(app.state.settings.types.find((t) => t.id === 'pharmacy_visit')?.on).toBe(false));
    await gone('dry-run');
    await waitFor(() => expect(find('saved')?.textContent).toBe('Saved'));
  });

  it('adds up several choices, counts along, and goes back with "Leave as it is"', async () => {
    const app = await open('which');
    const before = (await get('matching')).dataset.matching;
    await pick('type-workshop');
    await get('dry-run-totals');
    const first = Number(find('dry-run-totals')?.dataset.removed);
    await pick('weekday-0');
    await waitFor(() => expect(Number(find('dry-run-totals')?.dataset.removed)).toBeGreaterThan(first));
    expect(find('matching')?.textContent).toContain('would match');
    expect(Number(find('matching')?.dataset.matching)).toBeLessThan(Number(before));
    await pick('change-cancel');
    await gone('dry-run');
    expect(find('matching')?.dataset.matching).toBe(before);
    expect(find('weekday-0')?.getAttribute('aria-pressed')).toBe('true');
    expect(app.state.settings.weekdays_off).toEqual([]);
  });

  it('lets events that are already written stay, right there', async () => {
    const app = await open('which');
    await pick('type-workshop');
    await get('dry-run-totals');
    await pick('dry-run-keep');
    await waitFor(() => expect(find('dry-run-totals')?.dataset.removed).toBe('0'));
    expect(find('change-confirm')?.textContent).toBe('Apply');
    await pick('change-confirm');
    await waitFor(() => expect(app.state.settings.left_out).toBe('keep'));
    expect(app.state.settings.types.find((t) => t.id === 'workshop')?.on).toBe(false);
  });

  it('follows into another section until it is answered', async () => {
    await open('which');
    await pick('type-workshop');
    await get('dry-run-totals');
    await pick('section-general');
    await waitFor(() => expect(find('settings-section')?.dataset.section).toBe('general'));
    expect((await get('dry-run')).textContent).toContain('What is synced');
  });

  it('names what changes on an event beside its texts and its time', async () => {
    await open('calendar');
    await pick('color-5');
    await waitFor(() => expect(all('dry-run-item')[0]?.textContent).toContain('colour or other details'));
  });

  it('applies at once what touches no event', async () => {
    const app = await open('rules');
    await pick('policy-keep_platform');
    await waitFor(() => expect(app.state.settings.time_policy).toBe('keep_platform'));
    expect(find('dry-run')).toBeNull();
    expect((await get('standing-rule')).textContent).toContain('Linden Akademie wins');
    await pick('standing-revoke');
    await waitFor(() => expect(app.state.settings.time_policy).toBe('ask'));
  });

  it('takes an empty word in a patch for "none"', () => {
    const view = { ...start('healthy').state.settings, color: '5', fallback_title: 'Besuch' };
    expect(withPatch(view, { color: '' })).toMatchObject({ color: null, fallback_title: 'Besuch' });
  });
});

describe('what is off and has no appointment any more', () => {
  const toggle = (id: string, name: string, count = 0) => ({ id, name, on: count > 0, count });
  for (const [language, type, client] of [
    ['en', 'No longer used (type 3)', 'No longer used (client 2)'],
    ['de', 'Nicht mehr verwendet (Art 3)', 'Nicht mehr verwendet (Kunde 2)'],
  ] as const)
    it(`is told by no id, and makes no numbers of names: ${language}`, async () => {
      await open('which', 'healthy', ({ state: { settings } }) => {
        settings.language = language;
        settings.client_names = true;
        settings.types[2] = toggle('t_9f31', '');
        settings.clients = [toggle('c_1', 'Frau Klein', 2), toggle('c_77aa', '')];
      });
      await waitFor(() => expect(find('group-types')?.textContent).toContain(type));
      const clients = (await get('group-clients')).textContent;
      expect(clients).toContain('Frau Klein');
      expect(clients).toContain(client);
      expect(clients).not.toMatch(/numbered|nummeriert/);
      expect(document.body.textContent).not.toMatch(/t_9f31|c_77aa/);
    });

  it('is numbered like all clients while their names are off, and the page says why', async () => {
    await open('which', 'healthy', ({ state: { settings } }) => {
      settings.clients = [toggle('c_1', 'c_1', 2), toggle('c_2', '')];
    });
    const clients = (await get('group-clients')).textContent;
    for (const words of ['so they are numbered here', 'Client 1', 'No longer used (client 2)'])
      expect(clients).toContain(words);
    expect(clients).not.toMatch(/c_[12]/);
  });
});

describe('what is wrong stands beside its field, and what was typed stays', () => {
  it('a window of days that ends before it begins', async () => {
    const app = await open('which');
    // Behind the appointments that are there, whenever this runs.
    const day = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);
    const [later, earlier] = [day(100), day(90)];
    const [from, until] = [await get<HTMLInputElement>('dates-from'), await get<HTMLInputElement>('dates-until')];
    const { fireEvent } = await import('@testing-library/svelte');
    await fireEvent.change(from, { target: { value: later } });
    await get('dry-run-totals');
    await fireEvent.change(until, { target: { value: earlier } });
    expect((await get('dates-error')).textContent).toContain('before the first');
    expect(until.getAttribute('aria-invalid')).toBe('true');
    expect([from.value, until.value]).toEqual([later, earlier]);
    expect(app.state.settings.dates).toEqual({ from: null, until: null });
  });

  it('the last weekday cannot be switched off', async () => {
    await open('which', 'healthy', (app) => (app.state.settings.weekdays_off = [0, 1, 2, 3, 4, 5]));
    await pick('weekday-6');
    await get('weekdays-error');
    expect(find('weekday-6')?.getAttribute('aria-pressed')).toBe('true');
  });

  it('another calendar while moves have not reached the platform yet', async () => {
    const app = await open('calendar');
    const row = app.state.rows.find((r) => r.badge === 'waiting');
    if (row) row.reason = 'retrying';
    await type(await get('calendar-id'), 'work@example.com');
    await pick('calendar-id-save');
    expect((await get('change-unreported')).dataset.count).toBe('1');
    expect(app.state.settings.calendar_id).toBe('primary');
    expect(await problems()).toEqual([]);
    await pick('change-even-so');
    await pick('change-confirm');
    await gone('dry-run');
    expect(app.state.settings.calendar_id).toBe('work@example.com');
  });
  it('another calendar, once the moves have reached the platform', async () => {
    const app = await open('calendar');
    const row = app.state.rows.find((r) => r.badge === 'waiting');
    if (row) row.reason = 'retrying';
    await type(await get('calendar-id'), 'work@example.com');
    await pick('calendar-id-save');
    await get('change-unreported');
    // Nothing was done about it: it is said again.
    await pick('change-confirm');
    await waitFor(() => expect([app.asked('change_settings'), change.applying]).toEqual([2, false]));
    await get('change-unreported');
    expect(app.state.settings.calendar_id).toBe('primary');
    if (row) row.reason = null;
    await pick('change-confirm');
    await gone('dry-run');
    expect(app.state.settings.calendar_id).toBe('work@example.com');
  });
  it('another calendar before the start, while moves have not reached the platform yet', async () => {
    const app = await open('calendar', 'healthy', (app) => {
      app.state.overview.started = false;
      const row = app.state.rows.find((r) => r.badge === 'waiting');
      if (row) row.reason = 'retrying';
    });
    await type(await get('calendar-id'), 'work@example.com');
    await pick('calendar-id-save');
    expect((await get('change-unreported')).dataset.count).toBe('1');
    expect(app.state.settings.calendar_id).toBe('primary');
    await pick('change-even-so');
    await pick('change-confirm');
    await gone('dry-run');
    expect(app.state.settings.calendar_id).toBe('work@example.com');
  });
  it('a calendar in the place of one that is gone, while moves have not reached the platform yet', async () => {
    const app = await open('calendar', 'healthy', (app) => {
      const problem = { code: 'calendar_not_found', service: 'google', detail: null, since: null, retry_at: null };
      app.state.overview.problem = { ...problem, action: 'choose_calendar' };
      const row = app.state.rows.find((r) => r.badge === 'waiting');
      if (row) row.reason = 'retrying';
    });
    await type(await get('calendar-id'), 'work@example.com');
    await pick('calendar-id-save');
    expect((await get('calendar-unreported')).dataset.count).toBe('1');
    expect(find('calendar-id-error')).toBeNull();
    await pick('calendar-even-so');
    await pick('calendar-id-save');
    await gone('calendar-unreported');
    expect(app.state.settings.calendar_id).toBe('work@example.com');
  });
  it('a calendar that nobody can reach', async () => {
    const app = await open('calendar');
    const field = await get<HTMLInputElement>('calendar-id');
    await type(field, 'nowhere@group.calendar.example');
    await pick('calendar-id-save');
    expect((await get('calendar-id-error')).textContent).toContain('Calendar not found');
    expect(field.value).toBe('nowhere@group.calendar.example');
    expect(app.state.settings.calendar_id).toBe('primary');
    await type(field, '');
    await pick('calendar-id-save');
    expect(find('calendar-id-error')?.textContent).toContain('Type the calendar ID');
  });

  it('a mark that is too short, or holds a space', async () => {
    const app = await open('rules', 'healthy', (a) => (a.state.settings.created_externally = true));
    const field = await get<HTMLInputElement>('mark-tag');
    await type(field, 'x');
    field.form?.requestSubmit();
    await get('mark-tag-error');
    expect(app.state.settings.mark_tag).toBe('#linden');
    await type(field, '#my visits');
    field.form?.requestSubmit();
    await waitFor(() => expect(find('mark-tag-error')?.textContent).toContain('no spaces'));
    await type(field, '#besuch');
    field.form?.requestSubmit();
    await waitFor(() => expect(app.state.settings.mark_tag).toBe('#besuch'));
    expect(find('mark-tag-error')).toBeNull();
  });
});

describe('own rules', () => {
  it('say while they are typed what they match, and go through the dry run', async () => {
    const app = await open('which');
    await pick('own-rule-add');
    await type(await get('own-rule-text'), 'linden');
    await waitFor(() => expect(Number(find('own-rule-live')?.dataset.matches)).toBeGreaterThan(0), { timeout: 3_000 });
    expect(find('own-rule-live')?.textContent).toContain('Linden-Apotheke');
    await pick('own-rule-save');
    await get('dry-run-totals');
    await pick('change-confirm');
    await waitFor(() =>
      expect(app.state.settings.own_rules).toEqual([{ field: 'title', pattern: 'contains', text: 'linden' }]),
    );
    await pick('own-rule-remove');
    await get('dry-run-totals');
    await pick('change-confirm');
    await waitFor(() => expect(app.state.settings.own_rules).toEqual([]));
  });

  it('go one by one, and a rule that is being changed stays the one that is changed', async () => {
    const rule = (text: string) => ({ field: 'title', pattern: 'contains', text });
    const app = await open('which', 'healthy', (app) => {
      app.state.settings.own_rules = ['eins', 'zwei', 'drei'].map(rule);
    });
    const buttons = (test: string) => all(test) as HTMLButtonElement[];
    await get('own-rule-remove');
    await userEvent.setup().click(buttons('own-rule-edit')[2] as HTMLElement);
    await type(await get('own-rule-text'), 'vier');
    const [first, second] = buttons('own-rule-remove');
    await fireEvent.click(first as HTMLElement, { detail: 1 });
    await fireEvent.click(second as HTMLElement, { detail: 2 });
    const texts = () => app.state.settings.own_rules.map((r) => r.text);
    await waitFor(() => expect(texts()).toEqual(['zwei', 'drei']));
    await waitFor(() => expect(all('own-rule')).toHaveLength(2));
    await waitFor(() => expect(find('own-rule-live')?.dataset.matches).toBeDefined(), { timeout: 3_000 });
    await pick('own-rule-save');
    await waitFor(() => expect(texts()).toEqual(['zwei', 'vier']));
  });

  it('a bad expression is explained, kept, and not sent', async () => {
    const app = await open('which');
    await pick('own-rule-add');
    await userEvent.setup().selectOptions(await get('own-rule-pattern'), 'regex');
    await type(await get('own-rule-text'), '(Team');
    expect((await get('own-rule-error')).textContent).toContain('can’t be read');
    expect(find('own-rule-detail')?.textContent).toContain('unclosed group');
    await pick('own-rule-save');
    expect((await get<HTMLInputElement>('own-rule-text')).value).toBe('(Team');
    expect(find('dry-run')).toBeNull();
    expect(app.state.settings.own_rules).toEqual([]);
    expect(await problems()).toEqual([]);
  });

  it('asks for a text, and does not take the same rule twice', async () => {
    await open('which', 'healthy', (app) => {
      app.state.settings.own_rules = [{ field: 'title', pattern: 'contains', text: 'Team' }];
    });
    await pick('own-rule-add');
    await pick('own-rule-save');
    await get('own-rule-error');
    await type(await get('own-rule-text'), 'Team');
    await waitFor(() => expect(find('own-rule-live')?.dataset.matches).toBeDefined(), { timeout: 3_000 });
    await pick('own-rule-save');
    expect((await get('own-rule-error')).textContent).toContain('already there');
  });

  it('shows markup and control characters as text', async () => {
    const text = '<img src=x onerror=alert(1)> \u202Eevil \u200B';
    await open('which', 'healthy', (app) => {
      app.state.settings.own_rules = [{ field: 'notes', pattern: 'contains', text }];
      app.state.settings.types[0] = { id: 't', name: '<b>Typ</b>', on: true, count: 3 };
    });
    expect((await get('own-rule')).textContent).toContain('<img src=x onerror=alert(1)>');
    expect(document.querySelector('section img, section label b')).toBeNull();
  });
});

describe('taken out one by one', () => {
  it('stand there by name, and come back one by one', async () => {
    const app = await open('which', 'healthy', (a) => (a.state.settings.excluded = ['apt_2', 'apt_999']));
    await waitFor(() => expect(all('excluded-row').map((r) => r.dataset.id)).toEqual(['apt_2', 'apt_999']));
    await waitFor(() => expect(all('excluded-row')[0]?.textContent).toContain('Apotheke am Markt'));
    expect(all('excluded-row')[1]?.textContent).toContain('over or gone');
    await userEvent.setup().click(all('excluded-back')[0] as HTMLElement);
    await pick('change-confirm');
    await waitFor(() => expect(app.state.settings.excluded).toEqual(['apt_999']));
  });
});

describe('a title from outside that turns the direction of writing', () => {
  const TITLE = '\u202eRosen بيدلية';
  const titled = (app: Played) => app.state.rows.forEach((row) => (row.title = TITLE));
  /** Each of these shows it, and only inside of something that keeps its direction to itself. */
  const isolated = (test: string): boolean =>
    all(test).some((one) => [...one.querySelectorAll('bdi')].some((inner) => inner.textContent === TITLE));

  it('turns nothing around it in what a change would do', async () => {
    await open('which', 'healthy', titled);
    await pick('type-pharmacy_visit');
    await get('dry-run-totals');
    expect(isolated('dry-run-item')).toBe(true);
  });

  it('turns nothing around it where it was taken out', async () => {
    await open('which', 'healthy', (app) => {
      titled(app);
      app.state.settings.excluded = ['apt_2'];
    });
    await waitFor(() => expect(isolated('excluded-row')).toBe(true));
    // In a sentence there is no element around it.
    expect(find('excluded-back')?.getAttribute('aria-label')).toContain(`\u2068${TITLE}\u2069`);
  });

  it('turns nothing around it in what others would read', async () => {
    await open('content', 'healthy', titled);
    await waitFor(() => expect(isolated('sample-full')).toBe(true));
    expect(isolated('mirror-shared') && isolated('mirror-you')).toBe(true);
  });
});

describe('text and privacy', () => {
  it('shows a real next appointment at each level, and the mirror follows what is not applied yet', async () => {
    const app = await open('content');
    await waitFor(() => expect(find('sample-full')?.textContent).toContain('Linden-Apotheke'));
    expect(find('sample-type_only')?.textContent).not.toContain('Linden-Apotheke');
    expect(find('mirror-shared')?.textContent).toContain('Linden-Apotheke');
    expect(find('mirror-stranger')?.textContent?.trim()).toBe('Busy');
    await pick('privacy-busy');
    await waitFor(() => expect(find('mirror-shared')?.textContent).not.toContain('Linden-Apotheke'));
    expect(find('mirror-you')?.textContent).toContain('Linden-Apotheke');
    expect(app.state.settings.privacy).toBe('full');
    expect(await problems()).toEqual([]);
    await pick('change-cancel');
    await waitFor(() => expect(find('mirror-shared')?.textContent).toContain('Linden-Apotheke'));
  });

  it('says who could see a name before it writes one, and changes nothing on "Cancel"', async () => {
    const app = await open('content');
    await pick('setting-client-names');
    expect((await get('names-dialog')).textContent).toContain('Everyone you share');
    expect(await problems()).toEqual([]);
    await pick('names-cancel');
    await gone('names-dialog');
    expect(find('dry-run')).toBeNull();
    expect(app.state.settings.client_names).toBe(false);
  });

  it('offers no names where the platform forbids them', async () => {
    await open('content', 'healthy', (app) => (app.state.settings.client_names_allowed = false));
    expect((await get<HTMLButtonElement>('setting-client-names')).disabled).toBe(true);
  });
});

describe('accounts', () => {
  it('tests the connection step by step and names the next step', async () => {
    await open('accounts', 'reauth');
    await pick('test-connection-google');
    await waitFor(() =>
      expect(all('doctor-check').map((c) => c.dataset.result)).toEqual(['ok', 'ok', 'problem', 'skipped']),
    );
    expect((await get('test-connection-google-summary')).textContent).toContain('One thing needs you');
    expect((await get('check-next')).textContent).toContain('Sign in to Google');
    expect(await problems()).toEqual([]);
  });

  it('says rights in words and the true number before events are deleted', async () => {
    const app = await open('accounts');
    expect((await get('rights-google')).textContent).toContain('See and change events');
    await pick('disconnect-google');
    await pick('disconnect-events-delete');
    const written = app.state.rows.filter((r) => ['synced', 'waiting', 'syncing', 'conflict'].includes(r.badge)).length;
    await waitFor(() => expect(find('disconnect-confirm')?.textContent).toContain(`delete ${written} events`));
  });
});

/** What is said of a button that is off, by what it names as its description. */
describe('finding a setting', () => {
  it('works by word in either language, without accents', () => {
    const at = (query: string) => findSettings(query).map((e) => e.at);
    expect(at('notifications')).toContain('titles');
    expect(at('grossbuchstaben')).toEqual([]);
    expect(at('tastatur')).toContain('keys');
    expect(at('geloscht')).toEqual([]);
    expect(at('alles löschen')[0]).toBe('danger');
    expect(at('alles loschen')[0]).toBe('danger');
    expect(at('colour')[0]).toBe('color');
    expect(at('farbe')[0]).toBe('color');
    expect(at('   ')).toEqual([]);
    expect(findSettings('syncing', sectionsFor(undefined)).some((e) => e.at === 'syncing')).toBe(false);
  });

  it('jumps there, marks it, and says when there is none', async () => {
    await open('accounts');
    const search = await get('settings-search');
    await type(search, 'Wochentage');
    expect((await get('settings-found')).dataset.at).toBe('weekdays');
    await userEvent.setup().type(search, '{Enter}');
    await waitFor(() => expect(find('settings-section')?.dataset.section).toBe('which'));
    await waitFor(() => expect(find('group-weekdays')?.dataset.found).toBe('true'));
    await waitFor(() => expect(document.activeElement?.id).toBe('set-weekdays'));
    await type(search, 'qqq');
    await get('settings-found-none');
    expect(await problems()).toEqual([]);
    await pick('settings-search-clear');
    await get('section-about');
  });
});

describe('the page', () => {
  it('opens where it was left, and says so in the address', async () => {
    localStorage.setItem('roundtrip.settings.section', 'calendar');
    start('healthy', { language: 'en' });
    location.hash = '#/settings';
    render(App);
    await waitFor(() => expect(find('settings-section')?.dataset.section).toBe('calendar'), { timeout: 5_000 });
    expect(location.hash).toContain('section=calendar');
  });

  it('shows only what can be set before anything is connected', async () => {
    await open('which', 'fresh');
    await waitFor(() => expect(find('settings-section')?.dataset.section).toBe('general'));
    expect([...document.querySelectorAll('[data-test^="section-"]')].map((s) => s.getAttribute('data-test'))).toEqual([
      'section-general',
      'section-advanced',
      'section-about',
    ]);
    expect(find('setting-every')).toBeNull();
    await pick('section-advanced');
    await get('run-doctor');
    expect(find('delete-everything')).toBeNull();
  });

  it('still offers to connect what is missing', async () => {
    await open('accounts', 'onboarding-google');
    await get('settings-connect-google');
    expect(find('section-which')).toBeNull();
  });

  it('says when the settings cannot be read, and tries again', async () => {
    const app = await open('which');
    await get('type-workshop');
    settings.clear();
    app.state.overview.state = 'offline';
    await app.changed('overview');
    await get('settings-offline');
  });

  it('shows the report before it is saved, and the log with its details as text', async () => {
    await open('advanced');
    expect(find('report-save')).toBeNull();
    await pick('report-preview');
    expect((await get('report-text')).textContent).toContain('<person 1>');
    await pick('report-save');
    await waitFor(() => expect(document.body.textContent).toContain('roundtrip-report.txt'));
    await pick('audit-show');
    await waitFor(() => expect(all('audit-row').length).toBeGreaterThan(2));
    expect(all('audit-row')[0]?.textContent).toContain('Settings changed');
    // Every word of the log has its sentence, and older entries come on demand, none of them twice.
    expect(all('audit-row')).toHaveLength(100);
    for (const row of all('audit-row')) expect(row.children[1]?.textContent).not.toContain('_');
    await pick('audit-older');
    await waitFor(() => expect(all('audit-row')).toHaveLength(120));
    expect(find('audit-older')).toBeNull();
    await pick('audit-export-json');
    await waitFor(() => expect(document.body.textContent).toContain('roundtrip-audit.json'));
    expect(await problems()).toEqual([]);
    expect(auditDetails('<b>x', 'Linden')).toBe('<b>x');
    expect(auditDetails('{"a_b":["c",1]}', 'Linden')).toBe('a b: c, 1');
    // What the app is known to write is said in words, nothing of it as a key.
    const said = (details: object) => auditDetails(JSON.stringify(details), 'Linden');
    const reasons = ['no_keychain', 'locked', 'malformed', 'environment', 'no_randomness', 'directory', 'memory_only'];
    expect(new Set(reasons.map((reason) => said({ reason }))).size).toBe(reasons.length);
    for (const reason of reasons) expect(said({ reason })).not.toBe(reason === 'locked' ? '' : reason);
    expect(said({ service: 'platform', reason: 'locked' })).toBe('Linden · locked');
    expect(said({ changed: ['filters', 'text', 'every_minutes'] })).toBe(
      'What is synced, Text and privacy, How often it checks',
    );
    expect(said({ what: 'history', lines: 41, personal: false })).toBe('History · 41 lines · without personal data');
    expect(said({ events: 12, left: 0, problem: null })).toBe('12 events removed');
    expect(said({ service: 'google', events_deleted: 1, revoked: false })).toBe('Google Calendar · one event removed');
    expect(said({ version: 2, sealed: 2, lost: 1 })).toBe('2 sign-ins encrypted anew · one couldn’t be opened');
    expect(said({ entries: 3 })).toBe('3 entries');
    for (const row of all('audit-row')) expect(row.children[2]?.textContent).not.toMatch(/[_:{]/);
  });

  it('runs all checks one by one', async () => {
    await open('advanced');
    await pick('run-doctor');
    await waitFor(() => expect(find('run-doctor-summary')?.textContent).toContain('8 things'));
    expect(all('doctor-check')).toHaveLength(8);
    expect(all('doctor-check').at(-1)?.textContent).toContain('Icon near the clock');
  });
});
