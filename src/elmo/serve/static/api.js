// The API of this server; every refusal is an Error with the server's sentence.

async function answer(path, options) {
  let response;
  try {
    response = await fetch(`/api${path}`, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error("The server does not answer; is elmo serve still running?");
  }
  const found = await response.json().catch(() => ({ error: `The server answered ${response.status}.` }));
  if (!response.ok) throw new Error(found.error);
  return found;
}

/** The address of a GET, for links too; what is empty is left out. */
export function address(path, fields = {}) {
  const given = Object.entries(fields).filter(([, value]) => value !== undefined && value !== null && value !== "");
  const query = new URLSearchParams(given).toString();
  return query ? `${path}?${query}` : path;
}

export const get = (path, fields, signal) => answer(address(path, fields), { signal });

export const post = (path, fields, signal) => answer(path, {
  method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(fields), signal,
});
