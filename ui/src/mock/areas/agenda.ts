import type { Area } from '../area';

/** Stands in for the app where it is about agenda and week. */
export const agenda: Area = () => ({});
