// Keyboard shortcuts. Each runs a command of commands.js; none acts in a field, in a dialog, or
// while a word is composed. Single keys can be turned off in the profile.

import { availableCommands } from "./commands.js";
import { closeMenu, openModal } from "./dialogs.js";
import { $, element, focused, hasCommandKey, on } from "./dom.js";
import { focusedRowCheckbox, listRows, moveRowFocus } from "./rows.js";

const FIELD = "input:not([type=checkbox]), select, textarea, [contenteditable]";
const SEQUENCE = 1000; // milliseconds from the first key of "g o" to the second

const palette = $("#palette"); // for those who are signed in
let prefix = ""; // the first key of a sequence, and when it was pressed
let prefixTime = 0;

on("keydown", (event) => {
  const key = event.key;
  const isCommanded = hasCommandKey(event);
  if (isCommanded && key.toLowerCase() === "k" && palette) {
    event.preventDefault();
    return openPalette();
  }
  if (event.isComposing || event.altKey || $("dialog[open]")) return;
  if (event.target.matches?.(FIELD)) return;
  if (isCommanded) return runCommanded(event);
  if (moveInList(event)) return;
  if (key === "Escape") {
    if (!closeMenu()) $("[data-deselect]")?.click();
  } else if (document.body.dataset.shortcuts === "on") {
    runShortcut(event);
  }
});

// With Ctrl or Cmd. The browser's own undo has nothing to undo outside a field.
function runCommanded(event) {
  const keys = { z: "z", Z: "Z", Backspace: "Ctrl Backspace" }[event.key];
  const command = keys && availableCommands().find((one) => one.keys === keys);
  if (!command) return;
  event.preventDefault();
  command.run();
}

function moveInList(event) {
  const count = listRows().length;
  const step = { ArrowDown: 1, ArrowUp: -1, Home: -count, End: count }[event.key];
  if (!step || !focused().matches("[data-row]")) return false;
  event.preventDefault();
  moveRowFocus(step);
  return true;
}

function runShortcut(event) {
  const { key } = event;
  if (key === "X" && focusedRowCheckbox()) return extendSelection();
  const command = findCommand(key);
  if (!command) return;
  event.preventDefault();
  command.run();
}

// From the row that was ticked last to this one.
function extendSelection() {
  const click = new MouseEvent("click", { shiftKey: true, bubbles: true });
  focusedRowCheckbox().dispatchEvent(click);
}

// The command of this key, or of the sequence that it ends.
function findCommand(key) {
  const commands = availableCommands();
  const byKeys = (keys) => commands.find((command) => command.keys === keys);
  const isSequence = prefix && Date.now() - prefixTime < SEQUENCE;
  const command = byKeys(isSequence ? `${prefix} ${key}` : key);
  const begins = commands.some(({ keys }) => keys.startsWith(`${key} `));
  prefix = begins && !command ? key : "";
  prefixTime = Date.now();
  return command;
}

// ---- the palette, and help

async function openPalette() {
  if (palette.open) return;
  const field = $("#palette-field");
  let isChosen = false;
  field.value = "";
  field.onkeydown = (event) => {
    isChosen ||= event.key === "Enter";
  };
  openModal(palette);
  const { begin } = await import("./palette.js");
  field.onkeydown = null;
  begin(isChosen);
}

// Links to the search page open the palette instead.
on("click", (event) => {
  if (!event.target.closest("[data-palette]")) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  openPalette();
}, true);

on("click", ({ target }) => {
  if (target.closest("[data-open]")) openHelp();
}, true);

function openHelp() {
  const shortcuts = [{ keys: "Ctrl K", help: "Search and commands" }, ...availableCommands()];
  const rows = shortcuts.flatMap(({ keys, help }) => [
    element("dt", {}, element("kbd", {}, keys)),
    element("dd", {}, help),
  ]);
  $("#help-keys").replaceChildren(...rows);
  openModal($("#help"));
}
