import type { Area } from '../area';

/** Stands in for the app where it is about tray, keys and the palette. */
export const shell: Area = () => ({});
