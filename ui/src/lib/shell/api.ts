import { commands } from '$lib/bindings';
import { value } from '$lib/command';

export const windowReady = () => value(commands.windowReady());
/** The system says that there is a network again; only the app knows whether it missed one. */
export const networkIsBack = () => value(commands.networkIsBack());
export const appInfo = () => value(commands.appInfo());
export const hideHintSeen = () => value(commands.hideHintSeen());
export const quit = () => value(commands.quit());
