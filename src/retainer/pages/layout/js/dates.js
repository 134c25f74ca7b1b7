// Fields of dates show their date in the words of the pages while nobody types.

import { $$, on } from "./dom.js";
import { onRender } from "./navigation.js";

function write() {
  for (const words of $$(".in-words")) words.textContent = inWords(words.previousElementSibling);
}

// "8 May 2027", and in a field with a time "8 May 2027, 14:05".
function inWords({ value, valueAsNumber }) {
  if (!value) return "";
  const [, day, month, year, time] = new Date(valueAsNumber).toUTCString().split(" ");
  return `${+day} ${month} ${+year}${value.includes("T") ? `, ${time.slice(0, 5)}` : ""}`;
}

for (const name of ["change", "focusout", "reset"]) on(name, () => setTimeout(write));
onRender(write);
