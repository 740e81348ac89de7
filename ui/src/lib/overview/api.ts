import { commands } from '$lib/bindings';
import { value } from '$lib/command';

export const getOverview = () => value(commands.getOverview());
export const syncNow = () => value(commands.syncNow());
export const cancelSync = () => value(commands.cancelSync());
export const pause = (minutes: number | null, untilTomorrow = false) => value(commands.pause(minutes, untilTomorrow));
export const resume = () => value(commands.resume());
export const answerQuestion = (id: string, goOn: boolean) => value(commands.answerQuestion(id, goOn));
export const answerHeld = (ids: string[], remove: boolean) => value(commands.answerHeld(ids, remove));
export const takeOver = () => value(commands.takeOver());
