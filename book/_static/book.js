/* What the pages do: colours, printing, search key, contents that follow the reader. */
"use strict";

const all = (selector, within = document) => [...within.querySelectorAll(selector)];

/* Colours: as the system has them, light, dark */
const LABELS = { auto: "as the system has them", light: "light", dark: "dark" };
for (const button of all("[data-do=theme]")) {
  const say = () => {
    button.title = `Colours: ${LABELS[Theme.choice()]}`;
    button.setAttribute("aria-label", button.title);
  };
  button.addEventListener("click", () => {
    const themes = Object.keys(LABELS);
    Theme.choose(themes[(themes.indexOf(Theme.choice()) + 1) % themes.length]);
    say();
  });
  say();
}

/* Printing: what is folded opens, and folds again afterwards */
for (const button of all("[data-do=print]")) {
  button.addEventListener("click", () => print());
}
let opened = [];
addEventListener("beforeprint", () => {
  opened = all("article details:not([open])");
  for (const details of opened) details.open = true;
});
addEventListener("afterprint", () => {
  for (const details of opened) details.open = false;
});

/* Ctrl+K, or Command+K, goes to the search field */
addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
    event.preventDefault();
    const menu = document.getElementById("site-menu");
    if (getComputedStyle(menu).display === "none") menu.showPopover();
    menu.querySelector("input[type=search]").focus();
  }
});

/* What scrolls sideways can be reached with the keyboard, and only where it does */
const NAMES = { PRE: "Code or output", TABLE: "Table", DIV: "Formula" };
function markScrollers() {
  for (const box of all("article pre, article table, article div.math")) {
    if (box.scrollWidth > box.clientWidth) {
      box.tabIndex = 0;
      if (box.tagName !== "TABLE") {
        box.setAttribute("role", "group");
        box.setAttribute("aria-label", `${NAMES[box.tagName]}, scrolls sideways`);
      }
    } else if (box.tabIndex === 0) {
      for (const name of ["tabindex", "role", "aria-label"]) box.removeAttribute(name);
    }
  }
}
new ResizeObserver(markScrollers).observe(document.querySelector("article"));
document.addEventListener("toggle", markScrollers, true);

/* A link to something folded opens it */
function openTarget() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  for (let box = target?.closest("details"); box; box = box.parentElement.closest("details")) {
    box.open = true;
  }
  target?.scrollIntoView();
}
if (location.hash) openTarget();
addEventListener("hashchange", openTarget);

/* The contents of the page show where the reader is */
const links = new Map(all(".page-toc a").map((a) => [a.hash.slice(1), a]));
const spy = new IntersectionObserver(
  (entries) => {
    for (const { target, isIntersecting } of entries) {
      links.get(target.id)?.classList.toggle("here", isIntersecting);
    }
  },
  { rootMargin: "-15% 0px -75%" },
);
for (const section of all("article section[id]")) spy.observe(section);
for (const link of links.values()) {
  link.addEventListener("click", () => {
    const box = document.getElementById("page-contents");
    if (box.matches(":popover-open")) box.hidePopover();
  });
}
