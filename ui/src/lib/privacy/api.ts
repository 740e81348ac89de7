import { commands, type SettingsPatch } from '$lib/bindings';
import { value } from '$lib/command';
import { EMPTY } from '$lib/settings/api';

/** Where somebody takes back by hand what they allowed at Google. */
export const GOOGLE_PERMISSIONS = 'https://myaccount.google.com/connections';

export const privacyMirror = (patch: Partial<SettingsPatch>) => value(commands.privacyMirror({ ...EMPTY, ...patch }));
export const previewDeleteEverything = () => value(commands.previewDeleteEverything());
/** `confirmed` is the number of events that was shown; another number now is refused. `evenSo` loses waiting moves. */
export const deleteEverything = (confirmed: number, evenSo: boolean) =>
  value(commands.deleteEverything(confirmed, evenSo));
export const saveDeleteReport = () => value(commands.saveDeleteReport());
