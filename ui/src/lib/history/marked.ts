/**
 * Lines about a marked event, which is no appointment yet, are kept under a name that stands in for one. Nothing is found
 * under it in the calendar, and nothing can be brought back for it.
 */
export const isStandIn = (appointment: string | null): boolean => !!appointment?.startsWith('marked_');
