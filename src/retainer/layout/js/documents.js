// Files that are dropped or chosen: sent one after the other, each with its progress, by the form that takes one without this.

const waiting = [];
let sending = null, failed = [], done = 0;

const formOf = (node) => node?.closest?.("#panel, [data-drop]") && document.querySelector("[data-drop]");

function made(tag, words, parent) {
  const node = document.createElement(tag);
  node.textContent = words;
  parent.append(node);
  return node;
}

function add(form, files) {
  for (const file of form.querySelector("[multiple]") ? files : [...files].slice(0, 1)) {
    const row = made("li", "", document.querySelector("[data-uploads]"));
    made("span", file.name, row);
    const bar = made("progress", "", row), note = made("span", "", row), cancel = made("button", "Cancel", row);
    bar.max = 1;
    bar.value = 0;
    bar.setAttribute("aria-label", `Progress of ${file.name}`);
    cancel.type = "button";
    cancel.className = "button quiet";
    cancel.setAttribute("aria-label", `Cancel ${file.name}`);
    const data = new FormData(form);
    data.set("file", file);
    const one = { row, bar, note, cancel, data, action: form.action };
    cancel.onclick = () => { one.off = true; if (sending === one) one.request.abort(); else end(one, "Cancelled"); };
    waiting.push(one);
  }
  if (!sending) next();
}

function next() {
  sending = waiting.shift() || null;
  if (!sending) return refresh();
  const one = sending;
  if (one.off) return next();
  const request = one.request = new XMLHttpRequest();
  request.upload.onprogress = ({ loaded, total }) => { one.bar.value = loaded / total; };
  request.onloadend = () => { end(one, one.off ? "Cancelled" : problem(request)); next(); };
  request.open("POST", one.action);
  request.setRequestHeader("Accept", "application/json");
  request.send(one.data);
}

function problem({ status, responseText }) {
  if (status === 204) return "";
  try {
    const told = JSON.parse(responseText);
    return (told.errors || []).map(({ field, message }) => `${field} ${message}`).join("; ") || told.detail;
  } catch {
    return status ? `Not uploaded (status ${status}).` : "Not uploaded: the server cannot be reached.";
  }
}

function end(one, words) {
  one.bar.remove();
  one.cancel.remove();
  one.note.textContent = words || "Added";
  one.note.className = words ? "error" : "muted";
  if (words) failed.push(one.row); else done += 1;
}

// The page as it is now, with what was not added still named.
async function refresh() {
  const rows = failed;
  if (done && document.querySelector("[data-drop]")) {
    await htmx.ajax("GET", location.pathname + location.search, { target: "#main", swap: "outerMorph" });
    document.querySelector("[data-uploads]")?.append(...rows);
  }
  [failed, done] = [[], 0];
}

for (const name of ["dragenter", "dragover", "dragleave", "drop"]) {
  document.addEventListener(name, (event) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    const form = formOf(event.target);
    document.querySelector("[data-drop]")?.classList.toggle("is-over", !!form && name !== "dragleave" && name !== "drop");
    if (document.querySelector("[data-drop]")) event.preventDefault(); // beside it, too: the browser would leave the page
    if (form && name === "drop") add(form, event.dataTransfer.files);
  });
}
document.addEventListener("change", ({ target }) => {
  const form = target.matches("[data-drop] [type=file]") && target.form;
  if (!form || !target.files.length) return;
  add(form, target.files);
  target.value = "";
});
