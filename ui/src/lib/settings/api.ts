import { commands, type OwnRuleView, type SettingsPatch } from '$lib/bindings';
import { value } from '$lib/command';

export const EMPTY: SettingsPatch = {
  enabled: null,
  direction: null,
  every_minutes: null,
  calendar_id: null,
  notes: null,
  client_names: null,
  client_contact: null,
  privacy: null,
  include_private: null,
  time_policy: null,
  text_policy: null,
  types_off: null,
  clients_off: null,
  excluded: null,
  dates: null,
  weekdays_off: null,
  hours: null,
  own_rules: null,
  left_out: null,
  color: null,
  fallback_title: null,
  created_externally: null,
  mark_tag: null,
  letter_keys: null,
  motion: null,
  daily_summary: null,
  theme: null,
  language: null,
  autostart: null,
  titles_in_notifications: null,
  confirmed_removals: null,
  even_so: null,
};

export const getSettings = () => value(commands.getSettings());
export const changeSettings = (patch: Partial<SettingsPatch>) => value(commands.changeSettings({ ...EMPTY, ...patch }));
/** What the change would do to the calendar; nothing is written for it. */
export const previewSettings = (patch: Partial<SettingsPatch>) =>
  value(commands.previewSettings({ ...EMPTY, ...patch }));
export const disconnect = (service: string, deleteEvents: boolean, onlyThisLaptop: boolean, evenSo: boolean) =>
  value(commands.disconnect(service, deleteEvents, onlyThisLaptop, evenSo));
/** `evenSo` leaves waiting moves behind with the calendar in use. */
export const chooseCalendar = (id: string, evenSo: boolean) => value(commands.chooseCalendar(id, evenSo));
export const runCheck = (check: string) => value(commands.runCheck(check));
export const checkRule = (rule: OwnRuleView) => value(commands.checkRule(rule));
export const getConnection = () => value(commands.getConnection());
export const getFigures = () => value(commands.getFigures());
/** The entries before the one of this sequence, newest first; from the newest on without one. */
export const listAudit = (before: number | null, limit: number) => value(commands.listAudit(before, limit));
export const exportAudit = (format: 'csv' | 'json') => value(commands.exportAudit(format));
export const previewReport = () => value(commands.previewReport());
export const saveReport = () => value(commands.saveReport());
export const showSavedFile = () => value(commands.showSavedFile());
