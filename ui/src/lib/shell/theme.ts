/**
 * `system` follows what the app learnt from the system, because WebKitGTK asks GTK and so often says "light" where the
 * desktop is dark; what the app does not know is left to the web view.
 */
export function useTheme(theme: string, system?: string): void {
  const wanted = theme === 'system' && system === 'dark' ? system : theme;
  if (wanted === 'light' || wanted === 'dark') document.documentElement.dataset.theme = wanted;
  else delete document.documentElement.dataset.theme;
}
