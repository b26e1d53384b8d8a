// What is looked at stands in the address behind "#", so that a link brings the same view back.

export function view() { return Object.fromEntries(new URLSearchParams(location.hash.slice(1))); }

/** Change fields of the address; null or "" removes one. `step`: the back button comes back to here. */
export function look(changes, step = false) {
  const fields = { ...view(), ...changes };
  for (const [key, value] of Object.entries(fields)) if (value === null || value === undefined || value === "") delete fields[key];
  const hash = `#${new URLSearchParams(fields)}`;
  if (hash === location.hash) return;
  history[step ? "pushState" : "replaceState"](null, "", hash);
}
