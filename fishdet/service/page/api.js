// What the page asks of the service. Addresses are relative, so the service may lie below a path.

/** An answer that is no success; `code` is the service's word for it. */
export class Refusal extends Error {
  constructor(status, code, message, wait) {
    super(message);
    Object.assign(this, { status, code, wait });
  }
}

let key = "";

/** The API key that goes along with what follows; empty: none. */
export function useKey(value) {
  key = value.trim();
}

async function ask(path, options = {}) {
  const headers = { ...(options.headers || {}), ...(key ? { "X-API-Key": key } : {}) };
  let answer;
  try {
    answer = await fetch(path, { ...options, headers });
  } catch {
    throw new Refusal(0, "offline", "", 0);
  }
  if (answer.status === 204) return null;
  let body = {};
  try {
    body = await answer.json();
  } catch {
    throw new Refusal(answer.status, "failed", "", 0);
  }
  if (answer.ok) return body;
  const told = body.error || {};
  throw new Refusal(answer.status, told.code || "failed", told.message || "", Number(answer.headers.get("Retry-After")) || 0);
}

export const model = () => ask("v1/model");
export const card = (id) => ask(`v1/species/${encodeURIComponent(id)}`);
export const species = (text) => ask(`v1/species?q=${encodeURIComponent(text)}`);

/** The fish on one picture (a Blob). */
export function detect(picture) {
  const form = new FormData();
  form.append("images", picture, "picture");
  return ask("v1/detections", { method: "POST", body: form });
}

/** Open the page of every stage of the network on a picture, in a tab of its own: it has scripts that
 * only its own policy allows, so a form asks for it. */
export function openTrace(picture, lang) {
  const files = new DataTransfer();
  files.items.add(new File([picture], "picture", { type: picture.type }));
  const input = document.createElement("input");
  Object.assign(input, { type: "file", name: "image", files: files.files });
  const form = document.createElement("form");
  Object.assign(form, { method: "post", action: "v1/trace", enctype: "multipart/form-data", target: "_blank", hidden: true });
  const field = (name, value) => Object.assign(document.createElement("input"), { type: "hidden", name, value });
  form.append(input, field("lang", lang), field("key", key));
  document.body.append(form);
  form.submit();
  form.remove();
}

/** Hand a correction in; the answer's token alone deletes it. */
export function give(picture, correction) {
  const form = new FormData();
  form.append("image", picture, "picture");
  form.append("data", JSON.stringify(correction));
  return ask("v1/feedback", { method: "POST", body: form });
}

export const forget = (id, token) =>
  ask(`v1/feedback/${encodeURIComponent(id)}`, { method: "DELETE", headers: { "X-Delete-Token": token } });
