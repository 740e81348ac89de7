import { m } from '$lib/paraglide/messages';
import { locales } from '$lib/paraglide/runtime';
import { sectionWord, SECTIONS, type Section } from './sections';

/** A setting that can be found: where it stands, its name, and the words it is found by. */
export type Entry = { section: Section; at: string; name: () => string; words: Word[] };

type Options = { locale?: (typeof locales)[number] };
type Word = (inputs: never, options?: Options) => string;

const NAMES = { platform: '', own: '', tag: '', count: 0 } as never;
const say = (word: Word, locale: (typeof locales)[number]): string => word(NAMES, { locale });

const entry = (section: Section, at: string, name: Word, ...more: Word[]): Entry => ({
  section,
  at,
  name: () => name(NAMES),
  words: [name, ...more],
});

export const ENTRIES: Entry[] = [
  entry('accounts', 'platform', m.se_accounts, m.reconnect, m.st_acc_may, m.st_acc_test, m.se_disconnect),
  entry('accounts', 'google', m.google_calendar, m.st_acc_may, m.st_acc_test, m.se_disconnect, m.reconnect),
  entry('which', 'types', m.st_which_types, m.se_types_sub),
  entry('which', 'clients', m.st_which_clients, m.st_which_clients_sub),
  entry('which', 'dates', m.st_dates, m.st_dates_sub, m.st_dates_from, m.st_dates_until),
  entry('which', 'weekdays', m.st_weekdays, m.st_weekdays_sub),
  entry('which', 'hours', m.st_hours, m.st_hours_sub),
  entry('which', 'private', m.st_private, m.st_private_label, m.st_private_sub),
  entry('which', 'excluded', m.st_excluded, m.st_excluded_none, m.act_exclude),
  entry('which', 'own-rules', m.st_own, m.st_own_sub, m.st_own_regex_help, m.st_own_p_contains),
  entry('which', 'left-out', m.st_left_out, m.st_left_out_label, m.st_left_out_remove, m.st_left_out_keep),
  entry('content', 'level', m.st_level, m.se_privacy_busy, m.se_privacy_type_only, m.se_privacy_full, m.se_privacy),
  entry('content', 'people', m.se_notes, m.se_notes_sub),
  entry('content', 'people', m.se_names, m.se_names_sub, m.st_people),
  entry('content', 'people', m.se_contact, m.se_contact_sub),
  entry('content', 'fallback', m.st_fallback, m.st_fallback_sub),
  entry('content', 'mirror', m.pr_title, m.pr_sub, m.pr_eye_stranger, m.pr_eye_shared),
  entry('calendar', 'calendar', m.st_cal_use, m.st_cal_id, m.st_cal_id_sub, m.st_cal_other),
  entry('calendar', 'color', m.st_color, m.st_color_sub, m.st_color_own),
  entry('calendar', 'direction', m.st_direction, m.se_dir_both, m.se_dir_push, m.se_dir_pull),
  entry('rules', 'time-policy', m.st_time_policy, m.se_policy, m.se_policy_ask, m.se_policy_most_recent),
  entry('rules', 'text-policy', m.st_text_policy, m.se_policy, m.se_policy_ask),
  entry('rules', 'standing', m.st_standing, m.st_standing_sub, m.st_standing_revoke),
  entry('rules', 'marked', m.st_marked, m.st_marked_label, m.st_marked_sub, m.st_marked_tag),
  entry('notifications', 'titles', m.st_titles_label, m.st_titles_sub),
  entry('notifications', 'summary', m.st_summary, m.st_summary_label, m.st_summary_sub),
  entry('general', 'syncing', m.se_enabled, m.se_enabled_sub, m.st_syncing),
  entry('general', 'syncing', m.se_every, m.se_minutes),
  entry('general', 'language', m.st_language),
  entry('general', 'theme', m.st_theme, m.se_theme_dark, m.se_theme_light),
  entry('general', 'motion', m.st_motion, m.st_motion_label, m.st_motion_reduce, m.st_motion_sub),
  entry('general', 'keys', m.st_keys_label, m.st_keys_sub, m.st_keys),
  entry('general', 'start', m.se_autostart, m.se_autostart_sub),
  entry('advanced', 'diagnostics', m.st_diag, m.se_diag_sub, m.ck_network, m.ck_clock, m.ck_keychain, m.ck_database),
  entry('advanced', 'live', m.lv_title, m.lv_sub),
  entry('advanced', 'figures', m.fg_title, m.fg_long, m.fg_errors, m.fg_days),
  entry('advanced', 'report', m.st_report, m.st_report_sub, m.st_report_save),
  entry('advanced', 'audit', m.st_audit, m.st_audit_sub, m.st_audit_export),
  entry('advanced', 'danger', m.st_danger_pause, m.st_danger_pause_sub),
  entry('advanced', 'danger', m.st_danger_disconnect, m.st_danger_disconnect_sub),
  entry('advanced', 'danger', m.st_danger_delete, m.st_danger_delete_sub),
  entry('about', 'version', m.st_about_version, m.st_about_updates),
  entry('about', 'stored', m.st_about_stored, m.st_about_here_text, m.st_about_keychain_text),
  entry('about', 'licences', m.st_about_licences, m.st_about_licence_own),
];

/** "Grosse" finds "Größe": case, accents and ß do not matter. */
const plain = (text: string): string =>
  text.toLowerCase().replaceAll('ß', 'ss').normalize('NFD').replace(/\p{M}/gu, '');

/** What can be found now: before both sides are connected there is less to set. */
export const available = (there: readonly Section[]): Entry[] =>
  ENTRIES.filter((e) => there.includes(e.section) && (there === SECTIONS || !NEEDS_BOTH.has(e.at)));
const NEEDS_BOTH = new Set(['danger', 'syncing', 'start']);

/** The words of an entry in both languages, with the name of its section. */
export const entryWords = (entry: Entry): string =>
  [sectionWord(entry.section), ...entry.words.flatMap((w) => locales.map((l) => say(w, l)))].join(' ');

let known: { entry: Entry; name: string; text: string }[] | undefined;
const index = () =>
  (known ??= ENTRIES.map((e) => ({
    entry: e,
    name: plain(locales.map((l) => say(e.words[0] as Word, l)).join(' ')),
    text: plain(e.words.flatMap((w) => locales.map((l) => say(w, l))).join(' ')),
  })));

/** Settings that carry every word of the query, in either language; those that carry them in their name come first. */
export function findSettings(query: string, there: readonly Section[] = SECTIONS): Entry[] {
  const words = plain(query).split(/\s+/).filter(Boolean);
  if (!words.length) return [];
  const shown = available(there);
  const all = index().filter(({ entry, text }) => shown.includes(entry) && words.every((w) => text.includes(w)));
  const named = (name: string) => (words.every((w) => name.includes(w)) ? 0 : 1);
  return all.sort((a, b) => named(a.name) - named(b.name)).map(({ entry }) => entry);
}
