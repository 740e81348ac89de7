import type { Area } from '../area';

/** Stands in for the app where it is about conflicts answered together, undone, and offered rules. */
export const decisions: Area = () => ({});
