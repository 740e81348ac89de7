import { m } from '$lib/paraglide/messages';
import { keys } from './keys';
import { isMac } from './mac';

export type SheetKey = { combos: string[]; label: string; letter: boolean };
export type SheetGroup = { title: string; keys: SheetKey[] };

const letter = (combos: string[]): boolean => combos.every((combo) => [...combo].length === 1);
const key = (combos: string[], label: string): SheetKey => ({ combos, label, letter: letter(combos) });

/** Every key of every place, whether or not one is there now; and what the place adds to them. */
export function sheetGroups(): SheetGroup[] {
  const groups: SheetGroup[] = [
    {
      title: m.sh_keys_everywhere(),
      keys: [
        key(['Mod+k'], m.sh_key_palette()),
        key(['Mod+f'], m.sh_key_find()),
        key(['Mod+1–5'], m.sh_key_places()),
        key(['Mod+,'], m.sh_key_settings()),
        key(['Mod+z'], m.sh_key_undo()),
        key(['Escape'], m.sh_key_escape()),
        key(['?', 'F1'], m.sh_key_sheet()),
      ],
    },
    {
      title: m.nav_appointments(),
      keys: [
        key(['ArrowUp', 'ArrowDown'], m.sh_key_move()),
        key(['Enter'], m.sh_key_open()),
        key(['t'], m.today()),
        key(['/'], m.sh_key_find()),
      ],
    },
    {
      title: m.nav_decisions(),
      keys: [
        key(['1', 'ArrowLeft'], m.sh_key_left()),
        key(['2', 'ArrowRight'], m.sh_key_right()),
        key(['m'], m.sh_key_merge()),
        key(['n', 'p'], m.sh_key_next_previous()),
        key(['Mod+Enter'], m.sh_key_apply()),
      ],
    },
    { title: m.dash_heartbeat(), keys: [key(['ArrowLeft', 'ArrowRight'], m.sh_key_beats())] },
  ];
  // What a place listens for beyond these is listed as well, so that the sheet cannot fall behind.
  const known = new Set(groups.flatMap((group) => group.keys.flatMap(({ combos }) => combos)));
  const more = keys.listed().filter(({ combos }) => !combos.some((combo) => known.has(combo)));
  if (more.length) groups.push({ title: m.sh_keys_here(), keys: more.map((k) => key(k.combos, k.label)) });
  return groups;
}

const SIGNS: Record<string, string> = { ArrowLeft: '←', ArrowRight: '→', ArrowUp: '↑', ArrowDown: '↓', Escape: 'Esc' };

/** "Ctrl+K", "⌘K", "←". */
export function written(combo: string): string {
  const parts = combo.split('+').map((part) => {
    if (part === 'Mod') return isMac() ? '⌘' : m.sh_ctrl();
    if (part === 'Shift') return m.sh_shift();
    return SIGNS[part] ?? (part.length === 1 ? part.toLocaleUpperCase() : part);
  });
  return isMac() ? parts.join('') : parts.join('+');
}
