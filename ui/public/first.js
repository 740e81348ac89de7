// Before the first paint: the look the window had last, so that it never opens in the wrong one. The app's own answer
// follows and has the last word.
try {
  const look = JSON.parse(localStorage.getItem('roundtrip.look') ?? '{}');
  const root = document.documentElement;
  if (look.theme === 'light' || look.theme === 'dark') root.dataset.theme = look.theme;
  if (look.motion === 'reduce') root.dataset.motion = 'reduce';
  if (look.language === 'de' || look.language === 'en') root.lang = look.language;
} catch {
  // Without storage the system decides.
}
