import { commands } from '$lib/bindings';
import { value } from '$lib/command';

export const listAppointments = () => value(commands.listAppointments());
/** `null` if it is in no list any more. */
export const getAppointment = (id: string) => value(commands.getAppointment(id));
export const exclude = (id: string, excluded: boolean) => value(commands.exclude(id, excluded));
export const putBack = (id: string) => value(commands.putBack(id));
/** `null` tries everything again that couldn't be written. */
export const retry = (id: string | null) => value(commands.retry(id));
export const openEvent = (id: string) => value(commands.openLink('event', id));
export const openOnPlatform = (id: string) => value(commands.openLink('appointment', id));
