/* Runs before the page is drawn, so that it never flashes in the wrong colours:
   light or dark as the reader chose, or else as the system has it. */
"use strict";

window.Theme = (() => {
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  let kept = "auto"; // where storage is forbidden, the choice lasts for a page

  const choice = () => {
    try {
      return localStorage.getItem("theme") || kept;
    } catch {
      return kept;
    }
  };
  const show = () => {
    root.dataset.mode = choice();
    root.dataset.theme =
      choice() === "auto" ? (system.matches ? "dark" : "light") : choice();
  };
  const choose = (theme) => {
    kept = theme;
    try {
      localStorage.setItem("theme", theme);
    } catch {}
    show();
  };

  root.classList.add("script");
  system.addEventListener("change", show);
  show();
  return { choice, choose };
})();
