// The corrections that were given from this device, with the tokens that delete them.

const KEPT = "fishdet-given";

/** All of them, {id, token, time}, the newest first. */
export function given() {
  try {
    return JSON.parse(localStorage.getItem(KEPT)) || [];
  } catch {
    return [];
  }
}

const keep = (all) => localStorage.setItem(KEPT, JSON.stringify(all));

export const addGiven = (one) => keep([one, ...given()]);
export const dropGiven = (id) => keep(given().filter((one) => one.id !== id));
