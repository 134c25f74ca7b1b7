// What this tab remembers of its user, as JSON in sessionStorage. The next user begins with
// nothing, and signing out leaves nothing.

const { user } = document.body.dataset; // none on pages for everybody
const prefix = `${user} `;

// Null for what was never written.
export function recall(key) {
  return JSON.parse(sessionStorage.getItem(prefix + key));
}

// Null forgets it.
export function remember(key, value) {
  if (user && value !== null) sessionStorage.setItem(prefix + key, JSON.stringify(value));
  else sessionStorage.removeItem(prefix + key);
}

// A session that ended by itself leads to the login with ?next=, and drafts wait for its user.
if (user || !location.search.includes("next=")) {
  for (const storage of [sessionStorage, localStorage]) {
    for (const key of Object.keys(storage)) {
      if (!user || !key.startsWith(prefix)) storage.removeItem(key);
    }
  }
}
