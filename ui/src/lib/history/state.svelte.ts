let revision = $state(0);

/** Grows whenever the app has written something into the history; a page that shows some of it asks again. */
export const historyRevision = (): number => revision;
export const historyChanged = (): void => {
  revision += 1;
};
