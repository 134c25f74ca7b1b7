// Files that are dropped or chosen: sent one after the other, each with its progress and a button
// that cancels it, to the form that without scripts takes one alone. It is loaded with such a form.

import { $, element, on } from "./dom.js";
import { onRender, refresh } from "./navigation.js";
import { signIn } from "./session.js";

let uploads = []; // on their way, or refused and not dismissed yet
let current = null; // the upload that is being sent
let added = 0; // since the page was fetched last

function addFiles(form, files) {
  const takesSeveral = $("[data-drop] [multiple]");
  for (const file of takesSeveral ? files : [...files].slice(0, 1)) addFile(form, file);
  showRows();
  if (!current) sendNext();
}

function addFile(form, file) {
  const data = new FormData(form);
  data.set("file", file);
  const bar = element("progress", { max: 1, value: 0, ariaLabel: `Progress of ${file.name}` });
  const note = element("span", { className: "error" });
  const row = element("li", {}, element("span", {}, file.name), bar, note);
  const upload = { row, bar, note, data, url: form.action, isWaiting: true };
  upload.button = element(
    "button",
    { type: "button", className: "button quiet", onclick: () => dismiss(upload) },
    "Cancel",
  );
  upload.button.ariaLabel = `Cancel ${file.name}`;
  row.append(upload.button);
  uploads.push(upload);
}

// On its way it is cancelled; a refusal has been read.
function dismiss(upload) {
  uploads = uploads.filter((other) => other !== upload);
  upload.row.remove();
  if (upload === current) upload.request.abort();
}

// The page may have been fetched anew meanwhile.
function showRows() {
  const url = $("[data-drop]")?.action;
  const rows = uploads.filter((upload) => upload.url === url).map(({ row }) => row);
  if (url) $("[data-uploads]").append(...rows);
}

function sendNext() {
  current = uploads.find(({ isWaiting }) => isWaiting);
  if (current) send(current);
  else if (added) showAdded();
}

// XMLHttpRequest, because fetch reports no progress of an upload.
function send(upload) {
  const request = new XMLHttpRequest();
  upload.request = request;
  upload.isWaiting = false;
  request.upload.onprogress = ({ loaded, total }) => {
    upload.bar.value = loaded / total;
  };
  request.onloadend = async () => {
    if (request.status === 401 && (await signIn())) return send(upload);
    finish(upload);
    sendNext();
  };
  request.open("POST", upload.url);
  request.setRequestHeader("Accept", "application/json, text/html;q=0.1");
  request.send(upload.data);
}

function finish(upload) {
  const problem = problemOf(upload.request);
  if (!problem) {
    added += 1;
    return dismiss(upload);
  }
  upload.bar.remove();
  upload.note.textContent = problem;
  upload.button.textContent = "Dismiss";
  upload.button.ariaLabel = upload.button.ariaLabel.replace("Cancel", "Dismiss");
}

// In words; empty where the file was taken.
function problemOf({ status, responseText }) {
  if (status === 204) return "";
  if (status === 401) return "Not uploaded: you are signed out";
  if (!status) return "Not uploaded: the server cannot be reached";
  try {
    const { errors, detail } = JSON.parse(responseText);
    return errors?.map(({ field, message }) => `${field} ${message}`).join("; ") || detail;
  } catch {
    return `Not uploaded (status ${status})`;
  }
}

function showAdded() {
  added = 0;
  if ($("[data-drop]")) refresh();
}

for (const name of ["dragover", "dragleave", "drop"]) {
  on(name, (event) => {
    const form = $("[data-drop]");
    if (!form || !event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault(); // beside the form, too: the browser would leave the page for the file
    form.classList.toggle("is-over", name === "dragover");
    if (name === "drop") addFiles(form, event.dataTransfer.files);
  });
}

on("change", ({ target }) => {
  if (!target.matches("[data-drop] [type=file]") || !target.files.length) return;
  addFiles(target.form, target.files);
  target.value = "";
});

onRender(showRows);
