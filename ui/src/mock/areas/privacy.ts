import type { Area } from '../area';

/** Stands in for the app where it is about the mirror and leaving without a trace. */
export const privacy: Area = () => ({});
