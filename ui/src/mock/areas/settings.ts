import type { Area } from '../area';

/** Stands in for the app where it is about filters, rules and diagnostics. */
export const settings: Area = () => ({});
