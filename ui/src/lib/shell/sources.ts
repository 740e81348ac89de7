import { appointments } from '$lib/appointments/state.svelte';
import { card } from '$lib/conflicts/story';
import { conflicts } from '$lib/conflicts/state.svelte';
import { now } from '$lib/i18n/now.svelte';
import { moment } from '$lib/i18n/time';
import { cancelSync, pause, resume, syncNow } from '$lib/overview/api';
import { overview, platformName, zone } from '$lib/overview/state.svelte';
import { rest } from '$lib/overview/status';
import { m } from '$lib/paraglide/messages';
import { sectionsFor } from '$lib/settings/sections';
import { act } from '$lib/ui/act';
import { modKey } from './mac';
import { palette, type PaletteCommand } from './palette.svelte';
import { PLACES } from './places';
import { go, href } from './router.svelte';
import { sheet } from './sheet.svelte';
import { undo } from './undo.svelte';

const places = (): PaletteCommand[] =>
  overview.value?.started
    ? PLACES.map(({ path, label }, i) => ({
        id: `place-${path}`,
        group: 'places',
        label: label(),
        hint: modKey(String(i + 1)),
        run: () => go(path),
      }))
    : [];

/** What can be done now; what can't is not offered. */
function actions(): PaletteCommand[] {
  const o = overview.value;
  const found: PaletteCommand[] = [];
  const add = (id: string, label: string, run: () => void, hint?: string, words?: string) =>
    found.push({ id, group: 'actions', label, run, hint, words });
  if (o?.started) {
    const paused = o.state === 'paused' || rest(o) !== null;
    if (o.state === 'syncing') add('stop', m.stop_sync(), () => void act(cancelSync, m.toast_stopping()));
    else if (!paused && o.state !== 'starting' && o.state !== 'not_connected')
      add('sync-now', m.sync_now(), () => void act(syncNow), undefined, 'sync');
    if (o.paused_for_ever || o.paused_until) add('resume', m.resume(), () => void act(resume, m.toast_resumed()));
    else if (!paused && o.state !== 'not_connected')
      for (const [id, length, minutes, tomorrow] of [
        ['pause-30', m.pause_30(), 30, false],
        ['pause-120', m.pause_120(), 120, false],
        ['pause-tomorrow', m.pause_tomorrow(), null, true],
        ['pause-forever', m.pause_forever(), null, false],
      ] as const)
        add(id, m.sh_pause({ length }), () => void act(() => pause(minutes, tomorrow), m.toast_paused()));
  }
  if (undo.possible) add('undo', m.toast_undo(), () => undo.newest(), modKey('Z'));
  add('keys', m.sh_key_sheet(), () => (sheet.open = true), '?');
  return found;
}

const decisions = (): PaletteCommand[] =>
  (conflicts.value ?? []).map((conflict) => ({
    id: `conflict-${conflict.id}`,
    group: 'decisions',
    label: card(conflict, platformName()),
    words: m.nav_decisions(),
    run: () => go(`/conflicts/${encodeURIComponent(conflict.id)}`),
  }));

async function visits(): Promise<PaletteCommand[]> {
  if (!overview.value?.started) return [];
  await appointments.ensure();
  return (appointments.value ?? []).map((row) => ({
    id: `appointment-${row.id}`,
    group: 'appointments',
    label: row.title,
    words: row.location ?? '',
    // Only what is shown is put into words: there may be ten thousand.
    get hint() {
      return moment(row.start, zone(), now());
    },
    run: () => go(`/appointments/${encodeURIComponent(row.id)}`),
  }));
}

/** Every setting that its page can find; the page's own index is loaded with the palette's first look. */
async function found(): Promise<PaletteCommand[]> {
  const { available, entryWords } = await import('$lib/settings/find');
  return available(sectionsFor(overview.value)).map((entry, i) => ({
    id: `settings-${entry.section}-${entry.at}-${i}`,
    group: 'settings',
    label: entry.name(),
    words: `${m.nav_settings()} ${entryWords(entry)}`,
    run: () => (location.hash = href('/settings', { section: entry.section, at: entry.at })),
  }));
}

/** What the window itself puts into the palette. */
export function offer(): () => void {
  const ends = [places, actions, decisions, visits, found].map((source) => palette.add(source));
  return () => ends.forEach((end) => end());
}
