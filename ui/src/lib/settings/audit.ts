import { m } from '$lib/paraglide/messages';

const WORDS: Record<string, () => string> = {
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
  audit_log_shortened: m.st_audit_shortened,
};

export const auditWord = (event: string): string => WORDS[event]?.() ?? event;

const shown = (value: unknown): string =>
  Array.isArray(value)
    ? value.map(shown).join(', ')
    : typeof value === 'object'
      ? JSON.stringify(value)
      : String(value);

/** `{"service":"google"}` as "service: google"; what is no JSON object stands as it is. */
export function auditDetails(details: string): string {
  try {
    const value: unknown = JSON.parse(details);
    if (value === null) return '';
    if (typeof value !== 'object' || Array.isArray(value)) return shown(value);
    return Object.entries(value)
      .map(([key, v]) => `${key.replaceAll('_', ' ')}: ${shown(v)}`)
      .join(' · ');
  } catch {
    return details;
  }
}
