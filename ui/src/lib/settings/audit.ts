import { knownProblem, problemWords } from '$lib/i18n/problems';
import { m } from '$lib/paraglide/messages';

export const WORDS: Record<string, () => string> = {
  sign_in: m.st_audit_sign_in,
  refresh_failed: m.st_audit_refresh_failed,
  revoke: m.st_audit_revoke,
  disconnect: m.st_audit_disconnect,
  settings: m.st_audit_settings,
  deletion: m.st_audit_deletion,
  export: m.st_audit_export_word,
  key_unavailable: m.st_audit_key_unavailable,
  key_available: m.st_audit_key_available,
  key_lost: m.st_audit_key_lost,
  key_rotated: m.st_audit_key_rotated,
  not_erased: m.st_audit_not_erased,
  audit_log_shortened: m.st_audit_shortened,
};

export const auditWord = (event: string): string => WORDS[event]?.() ?? event;

/** The settings as the app names them, by the words they carry in this window. */
const SETTINGS: Record<string, () => string> = {
  enabled: m.se_enabled,
  direction: m.st_direction,
  every_minutes: m.st_au_every,
  filters: m.st_which,
  text: m.st_content,
  time_policy: m.st_time_policy,
  text_policy: m.st_text_policy,
  language: m.st_language,
  created_externally: m.st_marked,
  mark_tag: m.st_marked_tag,
  calendar: m.se_calendar,
};

const FILES: Record<string, () => string> = { history: m.nav_history, audit_log: m.st_audit, report: m.st_report };

// A key that is there and cannot be used has several reasons; what they are is in the log that is saved.
export const REASONS: Record<string, () => string> = {
  locked: m.st_au_locked,
  no_keychain: m.st_au_no_keychain,
  memory_only: m.st_au_memory_only,
  malformed: m.st_au_unusable,
  environment: m.st_au_environment,
  no_randomness: m.st_au_no_randomness,
  directory: m.st_au_directory,
};

const plain = (value: unknown): string =>
  Array.isArray(value)
    ? value.map(plain).join(', ')
    : typeof value === 'object'
      ? JSON.stringify(value)
      : String(value);

const named = (words: Record<string, () => string>, value: unknown): string => words[plain(value)]?.() ?? plain(value);

/** One detail in words; nothing where it says nothing ("revoked: false", "left: 0"). */
function detail(key: string, value: unknown, platform: string): string {
  const count = typeof value === 'number' ? value : 0;
  if (value === null) return '';
  switch (key) {
    case 'service':
      return value === 'google' ? m.google_calendar() : value === 'platform' ? platform : plain(value);
    case 'changed':
      return Array.isArray(value) ? value.map((name) => named(SETTINGS, name)).join(', ') : plain(value);
    case 'what':
      return named(FILES, value);
    case 'reason':
      return named(REASONS, value);
    case 'code':
    case 'problem':
      return typeof value === 'string' && knownProblem(value) ? problemWords(value, platform).title : plain(value);
    case 'lines':
      return m.st_au_lines({ count });
    case 'personal':
      return value ? m.st_au_personal() : m.st_au_masked();
    case 'events':
    case 'events_deleted':
      return m.st_au_deleted({ count });
    case 'left':
      return count ? m.st_au_left({ count }) : '';
    case 'revoked':
      return value ? m.st_audit_revoke() : '';
    case 'grant_left':
      return value ? m.st_audit_grant_left() : '';
    case 'entries':
      return m.st_au_removed({ count });
    case 'sealed':
      return m.st_au_sealed({ count });
    case 'lost':
      return count ? m.st_au_lost({ count }) : '';
    // The number of the key is for the file.
    case 'version':
      return '';
    default:
      return `${key.replaceAll('_', ' ')}: ${plain(value)}`;
  }
}

/** `{"service":"google","reason":"locked"}` as "Google Calendar · locked"; what is no JSON object stands as it is. */
export function auditDetails(details: string, platform: string): string {
  try {
    const value: unknown = JSON.parse(details);
    if (value === null) return '';
    if (typeof value !== 'object' || Array.isArray(value)) return plain(value);
    return Object.entries(value)
      .map(([key, v]) => detail(key, v, platform))
      .filter(Boolean)
      .join(' · ');
  } catch {
    return details;
  }
}
