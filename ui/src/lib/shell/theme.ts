/** `system` leaves the choice to the system; the tokens follow `color-scheme` alone. */
export function useTheme(theme: string): void {
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
}
