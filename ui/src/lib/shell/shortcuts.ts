import { m } from '$lib/paraglide/messages';
import { overview } from '$lib/overview/state.svelte';
import { keys } from './keys';
import { palette } from './palette.svelte';
import { PLACES } from './places';
import { go } from './router.svelte';
import { sheet } from './sheet.svelte';
import { offer } from './sources';
import { undo } from './undo.svelte';

const started = () => overview.value?.started ?? false;

/** The field by which this place is searched; a place without one is searched by the palette. */
function find(): void {
  const field = document.querySelector<HTMLInputElement>('main [data-find]');
  if (!field) palette.open = true;
  else {
    field.focus();
    field.select?.();
  }
}

/** The keys that work everywhere. */
export function startShortcuts(): () => void {
  const ends = [
    keys.on('Mod+k', () => void (palette.open = !palette.open), { label: m.sh_key_palette, above: true }),
    keys.on('Mod+f', find, { label: m.sh_key_find }),
    keys.on('Mod+,', () => go('/settings'), { label: m.sh_key_settings }),
    keys.on('Mod+z', () => undo.newest(), { label: m.sh_key_undo }),
    ...PLACES.map(({ path }, i) => keys.on(`Mod+${i + 1}`, () => (started() ? go(path) : false))),
    keys.on(['?', 'F1'], () => void (sheet.open = true), { label: m.sh_key_sheet }),
    offer(),
  ];
  return () => ends.forEach((end) => end());
}
