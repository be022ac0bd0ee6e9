// Puts the parts together: photos come in, answers are shown, corrections go out.

import * as api from "./api.js";
import { showCard, showNoCard } from "./card.js";
import { boxOf, correctionOf, leastChance, missing, newBox, showCorrecting } from "./correcting.js";
import { at, h, fill } from "./dom.js";
import { showFindings, summary } from "./findings.js";
import { addGiven, dropGiven, given } from "./given.js";
import { forgetAllSeen, forgetSeen, remember, seen } from "./history.js";
import { Stage } from "./stage.js";
import { has, language, nameOf, say, setLanguage, translate, when } from "./words.js";

const NOTHING = { boxes: [], chosen: null, consent: false, extra: [] };
let model = null; // of v1/model
let shown = null; // the entry on the stage: {time, picture, image, model, calibrated}
let address = ""; // of its picture
let card = null; // a card's data, or {missing: name}
let crop = null; // the user's own fish, as the card's picture
let editing = false;
let state = { ...NOTHING };
let turn = 0; // counts requests, so that a late answer does not cover a newer one

const stage = new Stage(at("stage"), {
  choose: (box) => choose(box),
  changed: (box) => tell(say("moved", Object.fromEntries(["x", "y", "w", "h"].map((k, i) => [k, Math.round(box.bbox[i])])))),
});

function tell(text) {
  at("status").textContent = text;
  at("problem").textContent = "";
}

function complain(error) {
  at("status").textContent = "";
  const gaps = {
    message: error.message || error.status || "", wait: error.wait || 1,
    mib: model ? Math.floor(model.max_bytes / 2 ** 20) : "", mp: model ? Math.floor(model.max_pixels / 1e6) : "",
  };
  at("problem").textContent = say(has(error.code) ? error.code : "failed", gaps);
}

// ---- photos in

async function take(files) {
  const pictures = [...files];
  const mine = (turn += 1);
  for (const [i, picture] of pictures.entries()) {
    tell(say("looking", { n: i + 1, all: pictures.length }));
    at("main").setAttribute("aria-busy", "true");
    try {
      const answer = await api.detect(picture);
      const entry = { time: Date.now(), picture, image: answer.images[0], model: answer.model, calibrated: answer.calibrated };
      await remember(entry);
      if (mine === turn) open(entry);
    } catch (error) {
      if (mine === turn) complain(error);
      break;
    } finally {
      at("main").removeAttribute("aria-busy");
    }
  }
  showHistory();
}

function open(entry) {
  shown = entry;
  card = null;
  editing = false;
  state = { ...NOTHING, boxes: entry.image.detections.map(boxOf), extra: model?.extra || [] };
  if (address) URL.revokeObjectURL(address);
  address = URL.createObjectURL(entry.picture);
  at("result").hidden = false;
  stage.edit(false);
  stage.show(address, entry.image.width, entry.image.height, state.boxes);
  render();
  tell(summary(state.boxes));
  openFirstCard();
  at("picture").scrollIntoView({ block: "nearest" });
}

// ---- what is shown

function choose(box, focus = false) {
  const other = box !== state.chosen;
  state.chosen = box;
  stage.choose(box, focus);
  if (other) render();
}

function render() {
  if (!shown) return;
  showFindings(at("findings"), state.boxes, shown.calibrated, state.chosen, {
    choose: (box) => { choose(box); document.querySelector(".marked .title")?.focus(); },
    about: (species, box) => about(species, box),
  });
  renderCard();
  const tools = [];
  if (model?.feedback && !editing) tools.push(h("button", { type: "button", class: "button", id: "correct", onclick: startEditing }, say("correct")));
  if (model?.trace && !editing) tools.push(h("button", { type: "button", class: "button", id: "trace", onclick: () => api.openTrace(shown.picture, language()) }, say("pipeline")));
  fill(at("tools"), tools);
  if (!editing) fill(at("correcting"));
  else showCorrecting(at("correcting"), state, { changed: redraw, add, send, cancel: stopEditing });
}

async function about(species, box) {
  if (!species.species_id) {
    card = { missing: nameOf(species) };
    renderCard();
  } else await openCard(species.species_id, stage.crop(box));
}

/** Show a card; `picture`: the user's own fish that it was asked for, where there is one. */
async function openCard(id, picture = null, focus = true) {
  const mine = shown;
  try {
    const found = await api.card(id);
    if (mine !== shown) return;
    card = found;
    crop = picture;
    renderCard();
    if (!focus) return;
    at("card").focus();
    at("card").scrollIntoView({ block: "nearest" });
  } catch (error) {
    complain(error);
  }
}

function renderCard() {
  if (!card) at("card").hidden = true;
  else if (card.missing) showNoCard(at("card"), card.missing);
  else showCard(at("card"), card, crop, openCard);
}

/** The card of what the photo surely shows comes by itself. */
async function openFirstCard() {
  const box = state.boxes.find((one) => one.fish.verdict === "probably" && one.fish.species[0].species_id);
  if (!box) return;
  await stage.ready();
  await openCard(box.fish.species[0].species_id, stage.crop(box), false);
}

// ---- corrections

function startEditing() {
  editing = true;
  state.consent = false;
  state.chosen ||= state.boxes[0] || null;
  stage.edit(true);
  stage.choose(state.chosen);
  render();
  at("correct-title").focus();
}

function stopEditing() {
  open(shown);
  at("correct")?.focus();
}

function redraw(text) {
  stage.boxes = state.boxes;
  stage.draw();
  stage.choose(state.chosen);
  render();
  tell(text);
  (at("species") || at("correct-title"))?.focus();
}

function add() {
  const box = newBox(shown.image.width, shown.image.height);
  state.boxes.push(box);
  state.chosen = box;
  redraw(say("added"));
  stage.choose(box, true);
}

async function send() {
  const lack = missing(state);
  if (lack) {
    complain({ code: "failed", message: lack });
    at("problem").textContent = lack;
    return;
  }
  try {
    const stored = await api.give(shown.picture, {
      consent: model.consent, model: shown.model, least_chance: leastChance(shown.image), boxes: correctionOf(state.boxes),
    });
    addGiven({ id: stored.id, token: stored.delete_token, time: Date.now() });
    showGiven();
    stopEditing();
    tell(say("thanks"));
  } catch (error) {
    complain(error);
  }
}

function showGiven() {
  const all = given();
  at("given").hidden = !all.length;
  fill(at("given-list"), all.map((one) => h("li", {}, when(one.time), " ",
    h("button", { type: "button", class: "button", "aria-label": say("takeBack", { when: when(one.time) }), onclick: () => takeBack(one) }, "✕"))));
}

async function takeBack(one) {
  try {
    await api.forget(one.id, one.token);
  } catch (error) {
    if (error.status !== 404) { // gone already is as good
      complain(error);
      return;
    }
  }
  dropGiven(one.id);
  showGiven();
  tell(say("takenBack"));
  at("main").focus();
}

// ---- what was seen

const small = new Map(); // addresses of pictures in the list

async function showHistory() {
  const entries = await seen();
  for (const held of small.values()) URL.revokeObjectURL(held);
  small.clear();
  for (const entry of entries) small.set(entry.time, URL.createObjectURL(entry.picture));
  const item = (entry) => h("li", {},
    h("button", { type: "button", class: "thumb", "aria-label": say("open", { when: when(entry.time), what: say("n_fish", { n: entry.image.detections.length }) }), onclick: () => open(entry) },
      h("img", { src: small.get(entry.time), alt: "", loading: "lazy" }), h("span", {}, say("n_fish", { n: entry.image.detections.length }))),
    h("button", { type: "button", class: "button", "aria-label": say("forgetOne", { when: when(entry.time) }), onclick: () => drop(() => forgetSeen(entry.time)) }, "✕"));
  fill(at("seen"), entries.length ? entries.map(item) : h("li", { class: "soft" }, say("historyNone")));
  at("forget-all").hidden = !entries.length;
}

async function drop(work) {
  await work();
  await showHistory();
  tell(say("forgotten"));
  at("main").focus();
}

// ---- language, start

function speak(lang) {
  setLanguage(lang);
  words();
  if (shown) {
    stage.draw();
    render();
  }
}

function words() {
  translate();
  for (const one of ["ko", "en"]) at(`lang-${one}`).setAttribute("aria-pressed", String(one === language()));
  if (model) {
    const known = model.named.slice(0, 12).map(nameOf).join(", ") + (model.named.length > 12 ? " …" : "");
    at("model").textContent = say("modelKnows", { n: model.classes.length, names: known });
  }
  showHistory();
  showGiven();
}

async function paste() {
  try {
    for (const item of await navigator.clipboard.read()) {
      const type = item.types.find((one) => one.startsWith("image/"));
      if (type) return await take([await item.getType(type)]);
    }
  } catch { /* not allowed: the keyboard works */ }
  at("problem").textContent = say("pasteNone");
}

function listen() {
  for (const id of ["choose", "photograph"]) {
    at(id).addEventListener("change", (event) => {
      take(event.target.files);
      event.target.value = "";
    });
  }
  at("paste").addEventListener("click", paste);
  at("forget-all").addEventListener("click", () => drop(forgetAllSeen));
  at("lang-ko").addEventListener("click", () => speak("ko"));
  at("lang-en").addEventListener("click", () => speak("en"));
  at("key").addEventListener("change", (event) => api.useKey(event.target.value));
  at("key-row").addEventListener("submit", (event) => event.preventDefault());
  document.addEventListener("paste", (event) => {
    const pictures = [...(event.clipboardData?.files || [])].filter((file) => file.type.startsWith("image/"));
    if (pictures.length) take(pictures);
  });
  const over = (event, visible) => {
    event.preventDefault();
    at("drop").hidden = !visible;
  };
  document.addEventListener("dragover", (event) => over(event, event.dataTransfer?.types.includes("Files")));
  document.addEventListener("dragleave", (event) => { if (!event.relatedTarget) over(event, false); });
  document.addEventListener("drop", (event) => {
    over(event, false);
    if (event.dataTransfer?.files.length) take(event.dataTransfer.files);
  });
}

async function start() {
  words();
  listen();
  try {
    model = await api.model();
    // Classes that are no entries of the catalogue can be named too.
    model.extra = model.named.filter((one) => !one.species_id).map((one) => one.class_name);
    at("key-row").hidden = !model.key_required;
    at("drawn-only").hidden = !model.drawn_only;
    words();
  } catch (error) {
    complain(error);
  }
}

start();
