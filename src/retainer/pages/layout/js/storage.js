// JSON in sessionStorage (one tab) and localStorage (one browser).

// Null for what was never written and for what is not JSON.
export function readJson(storage, key) {
  try {
    return JSON.parse(storage.getItem(key));
  } catch {
    return null;
  }
}

export function writeJson(storage, key, value) {
  storage.setItem(key, JSON.stringify(value));
}
