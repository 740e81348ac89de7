import { m } from '$lib/paraglide/messages';

const WORDS: Record<string, () => string> = {
  'calendar.events': m.st_right_events,
  'calendar.app.created': m.st_right_own_calendar,
  openid: m.st_right_email,
  email: m.st_right_email,
  'userinfo.email': m.st_right_email,
  'appointments.read': m.st_right_appointments,
  'appointments:read': m.st_right_appointments,
  'appointments.write': m.st_right_move,
  'appointments:write': m.st_right_move,
  calendar_sync: m.st_right_sync,
};

/** What was granted, as a person would say it; a right this window has no sentence for stands as it is. */
export const rightsWords = (scopes: string[]): string[] => [
  ...new Set(scopes.map((scope) => WORDS[scope.replace(/^https?:\/\/[^ ]*\/auth\//, '')]?.() ?? scope)),
];
