const STORE = 'roundtrip.look';

/**
 * `system` follows what the app learnt from the system, because WebKitGTK asks GTK and so often says "light" where the
 * desktop is dark; what the app does not know is left to the web view.
 */
export function useTheme(theme: string, system?: string): void {
  const wanted = theme === 'system' && system === 'dark' ? system : theme;
  if (wanted === 'light' || wanted === 'dark') document.documentElement.dataset.theme = wanted;
  else delete document.documentElement.dataset.theme;
}

/** `reduce` holds whatever the system says; Linux does not always say it. */
export function useMotion(motion: string): void {
  if (motion === 'reduce') document.documentElement.dataset.motion = 'reduce';
  else delete document.documentElement.dataset.motion;
}

/** Kept for `first.js`, which sets it before the first paint of the next window. */
export function rememberLook(language: string): void {
  const { theme, motion } = document.documentElement.dataset;
  try {
    localStorage.setItem(STORE, JSON.stringify({ theme, motion, language }));
  } catch {
    // The next window then begins as the system says.
  }
}
