import { m } from '$lib/paraglide/messages';

export const SECTIONS = [
  'accounts',
  'which',
  'content',
  'calendar',
  'rules',
  'notifications',
  'general',
  'advanced',
  'about',
] as const;
export type Section = (typeof SECTIONS)[number];

const BEFORE: readonly Section[] = ['general', 'advanced', 'about'];

/** What there is to set now: with one side missing, how to connect it; with both missing, only the app itself. */
export const sectionsFor = (connected: { platform: unknown; calendar: unknown } | undefined): readonly Section[] =>
  connected?.platform && connected.calendar
    ? SECTIONS
    : connected?.platform || connected?.calendar
      ? ['accounts', ...BEFORE]
      : BEFORE;

// Names of earlier versions stay good: links, notifications and the palette may still carry them.
const EARLIER: Record<string, Section> = {
  sync: 'general',
  look: 'general',
  diagnostics: 'advanced',
  diag: 'advanced',
};

export const sectionNamed = (name: string | null): Section | undefined =>
  SECTIONS.find((s) => s === name) ?? (name ? EARLIER[name] : undefined);

const WORDS: Record<Section, () => string> = {
  accounts: () => m.se_accounts(),
  which: () => m.st_which(),
  content: () => m.st_content(),
  calendar: () => m.st_calendar(),
  rules: () => m.st_rules(),
  notifications: () => m.st_notifications(),
  general: () => m.st_general(),
  advanced: () => m.st_advanced(),
  about: () => m.st_about(),
};
export const sectionWord = (section: Section): string => WORDS[section]();

const KEY = 'roundtrip.settings.section';

/** Settings reopen where they were left, also after the window was closed. */
export function lastSection(): Section | undefined {
  try {
    return sectionNamed(localStorage.getItem(KEY));
  } catch {
    return undefined;
  }
}

export function rememberSection(section: Section): void {
  try {
    localStorage.setItem(KEY, section);
  } catch {
    // Without storage they reopen at the first section, which is no loss worth a message.
  }
}
