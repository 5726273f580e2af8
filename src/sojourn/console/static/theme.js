// Runs before the first paint: the chosen theme, and the reader's zone for the server's reports.
"use strict";
(() => {
  let theme = null;
  try { theme = localStorage.getItem("theme"); } catch { /* private browsing */ }
  if (theme === "dark" || theme === "light") document.documentElement.dataset.theme = theme;
})();
