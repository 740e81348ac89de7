import { settings } from '$lib/settings/state.svelte';

/**
 * Every key of the window goes through here, so that one switch turns single letters off, and no key acts while
 * somebody types or a dialog has the word.
 *
 * A combination is written as the key's own name: `n`, `?`, `ArrowLeft`, `Escape`, with `Mod+` (Ctrl, on a Mac also
 * Cmd), `Alt+` or `Shift+` before it. The newest handler is asked first; one that answers `false` lets the next one try.
 */
export type Handler = (event: KeyboardEvent) => void | boolean;

export type KeyOptions = {
  /** What it does, for the key sheet; without it the key is not listed. */
  label?: () => string;
  /** Also while a dialog or a menu is open. */
  above?: boolean;
  /** Also inside a field. Combinations with `Mod` act there anyway, but for those that a field needs itself. */
  typing?: boolean;
};

type Entry = { combos: string[]; run: Handler; options: KeyOptions };

const entries: Entry[] = [];
let listening = false;

/** What a text field does with these by itself is worth more there than what we would do. */
const OF_FIELDS = new Set(['Mod+z', 'Mod+a', 'Mod+c', 'Mod+v', 'Mod+x', 'Mod+ArrowLeft', 'Mod+ArrowRight']);

/** The combination of an event, in the way it is written here. */
export function combo(event: KeyboardEvent): string {
  const { key } = event;
  const printed = key.length === 1;
  const parts: string[] = [];
  if (event.ctrlKey || event.metaKey) parts.push('Mod');
  if (event.altKey) parts.push('Alt');
  // Shift is part of a sign that needs it ("?"), and says nothing more.
  if (event.shiftKey && (!printed || /\p{L}/u.test(key))) parts.push('Shift');
  parts.push(printed ? key.toLowerCase() : key);
  return parts.join('+');
}

/** One printed sign without Ctrl, Alt or Cmd: what the setting turns off, and what a voice or a cat may type. */
const single = (written: string): boolean => [...written.replace('Shift+', '')].length === 1;

const editable = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement &&
  (target.isContentEditable ||
    target.matches('textarea, select, [role="textbox"], [role="combobox"]') ||
    (target instanceof HTMLInputElement &&
      !['checkbox', 'radio', 'button', 'submit', 'reset', 'range', 'color', 'file'].includes(target.type)));

const ABOVE = '[role="dialog"], [role="alertdialog"], [role="menu"], [role="listbox"]';
/** Something above the page has the word. What is only hidden, or on its way out, has not. */
const covered = (): boolean =>
  [...document.querySelectorAll<HTMLElement>(ABOVE)].some(
    (found) => !found.closest('[hidden], [data-state="closed"], [data-inline]'),
  );

/** Arrows and the like belong to a control that moves by them; Enter and Space press what is focused. */
function taken(event: KeyboardEvent): boolean {
  const target = event.target;
  if (!(target instanceof Element)) return false;
  if (event.key === 'Enter' || event.key === ' ') return !!target.closest('a, button, summary, [role="button"]');
  if (/^(Arrow|Home|End|Page)/.test(event.key))
    return !!target.closest(
      '[role="radiogroup"], [role="slider"], [role="toolbar"], [role="tablist"], [role="grid"], [role="listbox"], input',
    );
  return false;
}

function heard(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.isComposing || event.repeat) {
    // A held arrow may go on walking; a held letter must not answer five conflicts.
    if (event.defaultPrevented || event.isComposing || !/^(Arrow|Page)/.test(event.key)) return;
  }
  const written = combo(event);
  const letters = settings.value?.letter_keys ?? true;
  const typing = editable(event.target);
  const above = covered();
  for (let i = entries.length - 1; i >= 0; i--) {
    const entry = entries[i];
    if (!entry?.combos.includes(written)) continue;
    const { options } = entry;
    if (single(written) && !letters) continue;
    if (typing && !options.typing && (!written.startsWith('Mod+') || OF_FIELDS.has(written))) continue;
    if (above && !options.above) continue;
    if (!written.startsWith('Mod+') && taken(event)) continue;
    if (entry.run(event) === false) continue;
    event.preventDefault();
    return;
  }
}

function on(combos: string | string[], run: Handler, options: KeyOptions = {}): () => void {
  if (!listening) {
    listening = true;
    addEventListener('keydown', heard);
  }
  const entry: Entry = { combos: [combos].flat(), run, options };
  entries.push(entry);
  return () => {
    const at = entries.indexOf(entry);
    if (at >= 0) entries.splice(at, 1);
  };
}

export const keys = {
  /** Listens for a key; call what comes back to end it: `onMount(() => keys.on('n', next, { label: m.cf_next }))`. */
  on,
  /** Several at once: `$effect(() => keys.all({ n: next, p: previous }))`. */
  all(handlers: Record<string, Handler>, options: KeyOptions = {}): () => void {
    const ends = Object.entries(handlers).map(([written, run]) => on(written, run, options));
    return () => ends.forEach((end) => end());
  },
  /** What is listened for now and has a label, for the key sheet. */
  listed: (): { combos: string[]; label: string }[] =>
    entries.flatMap(({ combos, options }) => (options.label ? [{ combos, label: options.label() }] : [])),
};
