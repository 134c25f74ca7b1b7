// Files that are dropped or chosen: sent one after the other, each with its progress and a button
// that cancels it, to the form that without scripts takes one alone.

import { $, currentUrl, element, on } from "./dom.js";
import { go } from "./navigation.js";

const waiting = [];
let current = null; // the upload that is being sent
let failedRows = []; // since the page was fetched last
let added = 0;

function addFiles(form, files) {
  const takesSeveral = $("[data-drop] [multiple]");
  for (const file of takesSeveral ? files : [...files].slice(0, 1)) {
    waiting.push(newUpload(form, file));
  }
  if (!current) sendNext();
}

function newUpload(form, file) {
  const data = new FormData(form);
  data.set("file", file);
  const bar = element("progress", { max: 1, value: 0, ariaLabel: `Progress of ${file.name}` });
  const cancel = element(
    "button",
    { type: "button", className: "button quiet", ariaLabel: `Cancel ${file.name}` },
    "Cancel",
  );
  const row = element("li", {}, element("span", {}, file.name), bar, cancel);
  $("[data-uploads]").append(row);
  const upload = { row, bar, cancel, data, url: form.action, request: null, isCancelled: false };
  cancel.onclick = () => cancelUpload(upload);
  return upload;
}

function cancelUpload(upload) {
  upload.isCancelled = true;
  if (upload === current) upload.request.abort();
  else finish(upload);
}

function sendNext() {
  current = waiting.shift();
  if (!current) return showAdded();
  if (current.isCancelled) return sendNext();
  send(current);
}

// XMLHttpRequest, because fetch reports no progress of an upload.
function send(upload) {
  const request = new XMLHttpRequest();
  upload.request = request;
  request.upload.onprogress = ({ loaded, total }) => {
    upload.bar.value = loaded / total;
  };
  request.onloadend = () => {
    finish(upload);
    sendNext();
  };
  request.open("POST", upload.url);
  request.setRequestHeader("Accept", "application/json, text/html;q=0.1");
  request.send(upload.data);
}

function finish(upload) {
  const problem = upload.isCancelled ? "Cancelled" : problemOf(upload.request);
  const className = problem ? "error" : "muted";
  upload.bar.remove();
  upload.cancel.replaceWith(element("span", { className }, problem || "Added"));
  if (problem) failedRows.push(upload.row);
  else added += 1;
}

// In words; empty where the file was taken.
function problemOf({ status, responseText }) {
  if (status === 204) return "";
  if (!status) return "Not uploaded: the server cannot be reached";
  try {
    const { errors, detail } = JSON.parse(responseText);
    return errors?.map(({ field, message }) => `${field} ${message}`).join("; ") || detail;
  } catch {
    return `Not uploaded (status ${status})`;
  }
}

// Fetches the page anew, and still names what was not added.
async function showAdded() {
  const rows = failedRows;
  const isChanged = added > 0;
  failedRows = [];
  added = 0;
  if (!isChanged || !$("[data-drop]")) return;
  await go(currentUrl(), {});
  $("[data-uploads]")?.append(...rows);
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
