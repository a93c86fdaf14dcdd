/** The caller's key: kept until the tab is closed, in no URL, and shown nowhere. */

const KEPT = "churn-desk-key";

/** What the key may do, where that is known. @type {Set<string> | null} */
let scopes = null;

/** The key or token, or null. */
export function currentKey() {
  return sessionStorage.getItem(KEPT);
}

/** @param {string} key @param {string[] | null} may the key's scopes, null where they are not known */
export function signIn(key, may) {
  sessionStorage.setItem(KEPT, key);
  keepScopes(may);
}

/** @param {string[] | null} may */
export function keepScopes(may) {
  scopes = may && new Set(may);
}

/** Forget the key. */
export function signOut() {
  sessionStorage.removeItem(KEPT);
  scopes = null;
}

/** Whether the caller may do what needs a scope, as far as is known: without a key only what AUTH=open gives. @param {string} scope */
export function mayPerhaps(scope) {
  if (currentKey() === null) return ["predict", "models:read", "jobs"].includes(scope);
  return scopes === null || scopes.has(scope);
}
