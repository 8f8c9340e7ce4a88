/* Search by section. A section scores for each word of the query it holds, more for a
   rare word and more for one in its title; a word matches all words it begins. */
"use strict";

const SHOWN = 15;
const COMMON = new Set(
  "a an and are as at be but by can do does for from has have how i if in is it its my not of on or so than that the then this to was what when where which why with you your".split(" "),
);
const words = (text) => text.toLowerCase().match(/[\p{L}\p{N}_]+/gu) ?? [];
const stem = (word) =>
  word.length > 4 ? word.replace(/(ies|ing|ed|es|s|e|y)$/, "") : word;

function terms(query) {
  const found = [...new Set(words(query))];
  const rare = found.filter((word) => !COMMON.has(word));
  return (rare.length ? rare : found).map(stem);
}

const count = (list, term) => list.filter((word) => word.startsWith(term)).length;

function find(query, sections) {
  const wanted = terms(query);
  const entries = sections.map(([address, title, page, text]) => {
    const [inTitle, inText] = [words(title), words(text)];
    const hits = wanted.map((t) => [count(inTitle, t), count(inText, t), inText.length]);
    return { address, title, page, text, hits };
  });
  const weights = wanted.map((_, i) => {
    const holders = entries.filter(({ hits }) => hits[i][0] + hits[i][1] > 0).length;
    return Math.log(1 + entries.length / (1 + holders));
  });
  for (const entry of entries) {
    entry.score = 0;
    entry.hits.forEach(([title, text, length], i) => {
      const often = text / (text + 1 + length / 300); // saturates, as in BM25
      entry.score += weights[i] * (2 * often + (title ? 2 : 0) + (title + text ? 1 : 0));
    });
  }
  return entries
    .filter((entry) => entry.score > 0)
    .sort((a, b) => b.score - a.score)
    .slice(0, SHOWN);
}

/* The words around the first hit, hits marked */
function snippet(text, wanted) {
  const pieces = text.split(/([\p{L}\p{N}_]+)/u);
  const isHit = (piece) => wanted.some((t) => piece.toLowerCase().startsWith(t));
  const start = Math.max(0, pieces.findIndex(isHit) - 16);
  const line = document.createElement("span");
  if (start > 0) line.append("… ");
  for (const piece of pieces.slice(start, start + 64)) {
    const node = document.createElement("mark");
    node.textContent = piece;
    line.append(isHit(piece) ? node : piece);
  }
  line.append(" …");
  return line;
}

const root = document.documentElement.dataset.content_root;
const query = (new URLSearchParams(location.search).get("q") ?? "").trim();
for (const field of document.querySelectorAll("input[name=q]")) field.value = query;

if (query) {
  const results = find(query, window.SECTIONS);
  const heading = document.createElement("h2");
  heading.textContent = results.length
    ? `Results for “${query}”`
    : `Nothing found for “${query}”`;
  const list = document.createElement("ol");
  list.className = "search-results";
  for (const { address, title, page, text } of results) {
    const item = document.createElement("li");
    const link = document.createElement("a");
    link.href = root + address;
    link.textContent = title;
    const place = document.createElement("small");
    place.textContent = page;
    item.append(link, place, snippet(text, terms(query)));
    list.append(item);
  }
  document.getElementById("search-results").append(heading, list);
} else {
  document.querySelector(".search-page input").focus();
}
