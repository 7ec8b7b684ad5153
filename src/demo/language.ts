// Chromium in the C locale, as in many a container, says that its language is “en-US@posix”. No Intl function takes
// that, and what asks one for it cannot even be loaded.
try {
  Intl.getCanonicalLocales(navigator.language);
} catch {
  Object.defineProperty(navigator, 'language', { value: 'en' });
}
