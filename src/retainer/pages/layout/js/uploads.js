// Files that are dropped or chosen, sent one after the other, each with its progress and Cancel.

import { $, element, on } from "./dom.js";
import { onRender, refresh } from "./navigation.js";
import { signIn } from "./session.js";

let uploads = []; // on their way, or refused
let current = null; // being sent
let added = 0; // since the page was fetched last

function addFiles(form, files) {
  const count = $("[multiple]", form) ? files.length : 1;
  for (const file of [...files].slice(0, count)) addFile(form, file);
  showRows();
  if (!current) sendNext();
}

function addFile(form, file) {
  const data = new FormData(form);
  data.set("file", file);
  const bar = element("progress", { max: 1, value: 0, ariaLabel: `Progress of ${file.name}` });
  const note = element("span", { className: "error" });
  const row = element("li", {}, element("span", {}, file.name), bar, note);
  const button = element("button", { type: "button", className: "button quiet" }, "Cancel");
  const upload = { row, bar, note, button, data, name: file.name, url: form.action };
  button.ariaLabel = `Cancel ${file.name}`;
  button.onclick = () => dismiss(upload);
  row.append(button);
  uploads.push(upload);
}

function dismiss(upload) {
  uploads = uploads.filter((other) => other !== upload);
  upload.row.remove();
  if (upload === current) upload.request.abort();
}

function showRows() {
  const url = $("[data-drop]")?.action;
  const rows = uploads.filter((upload) => upload.url === url).map(({ row }) => row);
  if (url) $("[data-uploads]").append(...rows);
}

function sendNext() {
  current = uploads.find(({ request }) => !request);
  if (current) return send(current);
  if (added && $("[data-drop]")) refresh();
  added = 0;
}

function send(upload) {
  const request = new XMLHttpRequest(); // fetch reports no progress
  upload.request = request;
  request.upload.onprogress = ({ loaded, total }) => {
    upload.bar.value = loaded / total;
  };
  request.onloadend = async () => {
    if (request.status === 401 && (await signIn())) return send(upload);
    finish(upload);
    sendNext();
  };
  request.open("POST", upload.url);
  request.setRequestHeader("Accept", "text/html, application/json");
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
  upload.button.ariaLabel = `Dismiss ${upload.name}`;
}

// Empty where the file was taken.
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

for (const name of ["dragover", "dragleave", "drop"]) {
  on(name, (event) => {
    const form = $("[data-drop]");
    if (!form || !event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault(); // else the browser leaves for the file
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
