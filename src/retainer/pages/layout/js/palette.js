// The palette (Ctrl K): records by a few letters, commands after ">", before that the records that
// were open last in this tab; and the help. Loaded when one of them is opened first.

import { MOVES, availableCommands } from "./commands.js";
import { openModal } from "./dialogs.js";
import { $, $$, element } from "./dom.js";
import { go } from "./navigation.js";
import { tellSignedOut } from "./session.js";
import { recall } from "./storage.js";

const PAGE = 8; // rows that PageDown moves by
const TYPING_PAUSE = 100; // milliseconds
const HAS_KEYS = matchMedia("(hover: hover)").matches;

const palette = $("#palette");
const field = $("#palette-field");
let typingTimer = null;
let search = null; // the AbortController of the request under way
let answered = null; // the text that the options shown belong to

// ---- the options

// Moves within the page need its focus, which the palette has taken.
function commandOptions() {
  const clicks = availableCommands().filter(({ node }) => node);
  return clicks.map(({ keys, help, run }) => ({ words: help, note: HAS_KEYS ? keys : "", run }));
}

async function showOptions(text) {
  search?.abort();
  const wanted = text.trim();
  if (!wanted) {
    const recent = recall("recent");
    const found = recent && (await fetchOptions("recent", recent));
    if (recent && found === null) return;
    show(group("Commands", commandOptions()));
    $("#results").insertAdjacentHTML("afterbegin", found || "");
  } else if (text.startsWith(">")) {
    const words = text.slice(1).trim().toLowerCase();
    const isMatch = (option) => option.words.toLowerCase().includes(words);
    show(group("Commands", commandOptions().filter(isMatch)));
  } else {
    const found = await fetchOptions("q", wanted);
    if (found === null) return;
    $("#results").setHTMLUnsafe(found);
  }
  answered = text;
  highlight(0);
}

// The options as HTML; null where a later search replaced this one, or nothing can be searched.
async function fetchOptions(parameter, text) {
  search = new AbortController();
  const headers = { Accept: "text/html", "HX-Request": "true", "HX-Target": "div#results" };
  try {
    const url = `/search?${parameter}=${encodeURIComponent(text)}`;
    const response = await fetch(url, { headers, signal: search.signal });
    if (response.ok) return await response.text();
    if (response.status === 401) tellSignedOut();
    cannotSearch(`The server could not do that (${response.status})`);
  } catch (error) {
    if (error.name !== "AbortError") cannotSearch("The server cannot be reached");
  }
  return null;
}

function cannotSearch(reason) {
  const words = `${reason}: nothing can be searched.`;
  show([element("p", { className: "muted" }, words)], group("Commands", commandOptions()));
}

function show(...groups) {
  const nodes = groups.flat();
  for (const [index, node] of nodes.entries()) node.id = `option-own-${index}`;
  $("#results").replaceChildren(...nodes);
}

function group(title, options) {
  if (!options.length) return [];
  const heading = element("div", { className: "group", role: "presentation" }, title);
  return [heading, ...options.map(optionNode)];
}

function optionNode({ words, note, href, run }) {
  const node = element(
    "div",
    { className: "option", role: "option" },
    element("span", {}, words),
    element("span", { className: "side-note" }, note || ""),
  );
  if (href) node.dataset.href = href;
  node.run = run;
  return node;
}

// ---- choosing

const optionNodes = () => $$("[role=option]", palette);
const isHighlighted = (option) => option.getAttribute("aria-selected") === "true";

function highlight(index) {
  const options = optionNodes();
  const next = options[Math.max(0, Math.min(index, options.length - 1))];
  for (const option of options) option.setAttribute("aria-selected", option === next);
  next?.scrollIntoView({ block: "nearest" });
  field.setAttribute("aria-activedescendant", next?.id || "");
}

function choose(option) {
  if (!option) return;
  palette.close();
  if (option.run) option.run();
  else if (option.dataset.href) go(option.dataset.href);
}

// ---- opening and typing

// Something may have been typed before this was loaded, and Enter pressed.
export function begin(isChosen) {
  if (isChosen) chooseFor(field.value);
  else showOptions(field.value);
}

palette.addEventListener("input", ({ target }) => {
  clearTimeout(typingTimer);
  typingTimer = setTimeout(() => showOptions(target.value), TYPING_PAUSE);
});

palette.addEventListener("keydown", (event) => {
  const current = optionNodes().findIndex(isHighlighted);
  const moves = {
    ArrowDown: current + 1,
    ArrowUp: current - 1,
    PageDown: current + PAGE,
    PageUp: current - PAGE,
  };
  if (event.key in moves) {
    event.preventDefault();
    highlight(moves[event.key]);
  } else if (event.key === "Escape") {
    event.preventDefault(); // a search field would only be emptied
    palette.close();
  } else if (event.key === "Enter" && !event.isComposing) {
    event.preventDefault();
    chooseFor(event.target.value, current);
  }
});

// Enter may come before the options for what is typed: then it waits for them and takes the first.
async function chooseFor(text, index) {
  if (text === answered) return choose(optionNodes()[index]);
  clearTimeout(typingTimer);
  await showOptions(text);
  if (text === answered) choose(optionNodes()[0]);
}

palette.addEventListener("click", ({ target }) => choose(target.closest("[role=option]")));

// ---- help

// With the keys of other pages.
export function openHelp() {
  const palette = { keys: "Ctrl K", help: "Search and commands" };
  const all = new Map([palette, ...MOVES, ...availableCommands()].map((one) => [one.keys, one]));
  const rows = [...all.values()].flatMap(({ keys, help }) => [
    element("dt", {}, element("kbd", {}, keys)),
    element("dd", {}, help),
  ]);
  $("#help-keys").replaceChildren(...rows);
  openModal($("#help"));
}
