import { commands } from '$lib/bindings';
import { value } from '$lib/command';

export const beginSignIn = (service: string, address: string | null = null) =>
  value(commands.beginSignIn(service, address));
export const signInState = () => value(commands.signInState());
export const cancelSignIn = () => value(commands.cancelSignIn());
export const openSignInAgain = () => value(commands.openSignInAgain());
/** `evenSo` leaves waiting moves behind with the account before. */
export const confirmOtherAccount = (accept: boolean, evenSo: boolean) =>
  value(commands.confirmOtherAccount(accept, evenSo));
export const previewStart = () => value(commands.previewStart());
export const startSyncing = () => value(commands.startSyncing());
