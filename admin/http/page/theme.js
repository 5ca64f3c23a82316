// Runs before the page is drawn, so that a chosen theme does not flash.
"use strict";
(() => {
  let chosen = null;
  try {
    chosen = localStorage.getItem("penstock.theme");
  } catch {
    // Storage may be forbidden; the system's theme is a good answer.
  }
  if (chosen === "dark" || chosen === "light") document.documentElement.dataset.theme = chosen;
})();
