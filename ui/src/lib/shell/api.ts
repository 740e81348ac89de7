import { commands } from '$lib/bindings';
import { value } from '$lib/command';

export const windowReady = () => value(commands.windowReady());
export const appInfo = () => value(commands.appInfo());
export const hideHintSeen = () => value(commands.hideHintSeen());
export const quit = () => value(commands.quit());
