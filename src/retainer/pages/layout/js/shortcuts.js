// Keyboard shortcuts run commands of commands.js. None acts in a field, in a dialog, or while a
// word is composed. Single keys can be turned off in the profile.

import { availableCommands } from "./commands.js";
import { closeMenu, openModal } from "./dialogs.js";
import { $, focused, hasCommandKey, on } from "./dom.js";
import { listRows, moveRowFocus } from "./rows.js";

const FIELD = "input:not([type=checkbox]), select, textarea, [contenteditable]";
const SEQUENCE = 1000; // milliseconds from the first key of "g o" to the second

// With Ctrl or Cmd. The browser's own undo has nothing to undo outside a field.
const COMMANDED = { z: "z", Z: "Z", Backspace: "Ctrl Backspace" };

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
  if (!isCommanded && moveInList(event)) return;
  if (key === "Escape") {
    if (!closeMenu()) $("[data-deselect]")?.click();
  } else if (isCommanded || document.body.dataset.shortcuts === "on") {
    const command = findCommand(isCommanded ? COMMANDED[key] : key);
    if (!command) return;
    event.preventDefault();
    command.run();
  }
});

function moveInList(event) {
  const count = listRows().length;
  const step = { ArrowDown: 1, ArrowUp: -1, Home: -count, End: count }[event.key];
  if (!step || !focused().matches("[data-row]")) return false;
  event.preventDefault();
  moveRowFocus(step);
  return true;
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

async function openPalette() {
  if (palette.open) return;
  const field = $("#palette-field");
  let isChosen = false;
  field.value = "";
  field.onkeydown = ({ key }) => {
    isChosen ||= key === "Enter";
  };
  openModal(palette);
  const { begin } = await import("./palette.js");
  field.onkeydown = null;
  begin(isChosen);
}

on("click", async (event) => {
  if (event.target.closest("[data-open]")) (await import("./palette.js")).openHelp();
  if (!event.target.closest("[data-palette]")) return; // a link to the search page
  event.preventDefault();
  event.stopImmediatePropagation();
  openPalette();
}, true);
