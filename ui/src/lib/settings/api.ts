import { commands, type SettingsPatch } from '$lib/bindings';
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
  policy: null,
  types_off: null,
  clients_off: null,
  excluded: null,
  left_out: null,
  theme: null,
  language: null,
  autostart: null,
  titles_in_notifications: null,
  confirmed_removals: null,
};

export const getSettings = () => value(commands.getSettings());
export const changeSettings = (patch: Partial<SettingsPatch>) => value(commands.changeSettings({ ...EMPTY, ...patch }));
/** What the change would do to the calendar; nothing is written for it. */
export const previewSettings = (patch: Partial<SettingsPatch>) =>
  value(commands.previewSettings({ ...EMPTY, ...patch }));
export const disconnect = (service: string, deleteEvents: boolean, onlyThisLaptop: boolean) =>
  value(commands.disconnect(service, deleteEvents, onlyThisLaptop));
export const chooseCalendar = (id: string) => value(commands.chooseCalendar(id));
export const runDoctor = () => value(commands.runDoctor());
