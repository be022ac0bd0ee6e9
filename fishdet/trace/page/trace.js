/* Sliders, the choice of a fish, and what each stage shows of it. */
(() => {
  const find = id => document.getElementById(id);
  const data = JSON.parse(find("data").textContent);
  const kinds = { f4: Float32Array, i4: Int32Array, u1: Uint8Array };
  const array = ({ type, bytes }) => {
    const text = atob(bytes), raw = new Uint8Array(text.length);
    for (let i = 0; i < text.length; i++) raw[i] = text.charCodeAt(i);
    return new kinds[type](raw.buffer);
  };
  const arrays = part => Object.fromEntries(Object.entries(part).map(([name, one]) => [name, array(one)]));
  const roi = Object.assign(arrays(data.roi), { agnostic: data.agnostic });
  const rpn = arrays(data.rpn), way = arrays(data.way);
  fishTrace.candidates = roi; fishTrace.proposals = rpn;
  const [height, width] = data.size, [frameH, frameW] = data.frame;
  let lang = document.documentElement.lang, chosen = -1, kept = [];

  const say = (key, values = {}) => Object.entries(values).reduce(
    (text, [name, value]) => text.replaceAll(`{${name}}`, value), data.words[key][lang === "ko" ? 1 : 0]);
  const name = row => data.names[lang][roi.labels[row]];
  const round = value => value.toFixed(2);
  const make = (tag, attributes = {}, text = "") => {
    const svg = ["rect", "text", "image"].includes(tag);
    const one = svg ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
    for (const [key, value] of Object.entries(attributes)) one.setAttribute(key, value);
    if (text !== "") one.textContent = text;
    return one;
  };
  const rect = (boxes, row, kind) => {
    const [x1, y1, x2, y2] = boxes.subarray(4 * row, 4 * row + 4);
    return make("rect", { class: `box ${kind}`, x: x1, y: y1, width: Math.max(x2 - x1, 0), height: Math.max(y2 - y1, 0) });
  };
  const label = (svg, x, y, text, w, h) => {  // 14 px high whatever the photo's size
    const size = 14 * w / Math.max(svg.clientWidth, 1);
    svg.append(make("text", { x: Math.max(x + size * .2, 0), y: Math.min(Math.max(y + size, size), h), "font-size": size }, text));
  };
  const clear = (id, w, h) => {
    const svg = find(id);
    svg.setAttribute("viewBox", `0 0 ${w} ${h}`);
    svg.replaceChildren();
    return svg;
  };

  const detect = () => {
    const [threshold, iou, most] = ["score", "iou", "most"].map(id => Number(find(id).value));
    const done = fishTrace.detect(roi, threshold, iou, most);
    kept = done.kept;
    if (!kept.includes(chosen)) chosen = kept.length ? kept[0] : -1;
    find("now").textContent = say("counts_now", { above: done.above, all: roi.scores.length, nms: done.nms, left: kept.length });
    drawList();
    drawResult();
    drawChosen();
  };
  const drawList = () => {
    const items = kept.map((row, place) => {
      const button = make("button", { type: "button", "aria-pressed": row === chosen, "data-row": row });
      button.append(make("b", {}, `${place + 1}. ${round(roi.scores[row])} `), name(row));
      const item = make("li");
      item.append(button);
      return item;
    });
    find("list").replaceChildren(...(items.length ? items : [make("li", {}, say("no_fish"))]));
  };
  const drawResult = () => {
    const svg = clear("view", width, height);
    for (const [place, row] of [...kept.entries()].reverse()) {
      const one = rect(roi.boxes, row, row === chosen ? "hit on" : "hit");
      one.dataset.row = row;
      svg.append(one);
      label(svg, roi.boxes[4 * row], roi.boxes[4 * row + 1], place + 1, width, height);
    }
  };
  const choose = row => {
    chosen = row;
    for (const button of find("list").querySelectorAll("button")) button.setAttribute("aria-pressed", Number(button.dataset.row) === row);
    drawResult();
    drawChosen();
  };

  const drawChosen = () => {
    const text = chosen < 0 ? say("choose_first") : say("chosen", { name: name(chosen), score: round(roi.scores[chosen]) });
    for (const one of document.querySelectorAll("[data-chosen]")) one.textContent = text;
    for (const id of ["fcs", "bars", "deltas-table", "crop", "saliency-note"]) find(id).replaceChildren();
    drawWay();
    drawSaliency();
    if (chosen < 0) return;
    drawCells();
    drawFcs();
    drawScores();
    drawDeltas();
  };
  const drawWay = () => {
    const svg = clear("way-view", frameW, frameH);
    if (chosen < 0) { find("way-text").textContent = say("choose_first"); return; }
    const number = roi.rois[chosen], level = way.level[number];
    const [, columns, anchors] = data.grids[level];
    const cell = Math.floor(way.index[number] / anchors);
    find("way-text").textContent = say("way_text", {
      name: name(chosen), score: round(roi.scores[chosen]), roi_level: data.levels[way.roi_level[number]],
      proposal: number + 1, proposals: way.level.length, objectness: round(way.scores[number]),
      anchor: way.index[number] % anchors + 1, column: cell % columns + 1, row: Math.floor(cell / columns) + 1,
      level: data.levels[level], stride: data.strides[level] });
    const scale = data.scale, box = roi.boxes.slice(4 * chosen, 4 * chosen + 4).map((value, k) => value * scale[k % 2]);
    svg.append(rect(way.anchors, number, "anchor"), rect(way.boxes, number, "proposal"), rect(box, 0, "on"));
  };
  const paint = (canvas, values, columns) => {
    canvas.width = columns; canvas.height = Math.ceil(values.length / columns);
    const context = canvas.getContext("2d"), image = context.createImageData(canvas.width, canvas.height);
    values.forEach((value, i) => image.data.set([...data.colours[value], 255], 4 * i));
    context.putImageData(image, 0, 0);
  };
  const drawCells = () => {
    const number = roi.rois[chosen], [x1, y1, x2, y2] = way.boxes.subarray(4 * number, 4 * number + 4);
    const svg = find("crop"), [rows, columns] = data.cells;
    svg.setAttribute("viewBox", `${x1} ${y1} ${Math.max(x2 - x1, 1)} ${Math.max(y2 - y1, 1)}`);
    svg.setAttribute("preserveAspectRatio", "none");
    svg.append(make("image", { href: find("view").previousElementSibling.src, width: frameW, height: frameH, preserveAspectRatio: "none" }));
    for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) svg.append(make("rect", {
      class: "box thin", x: x1 + (x2 - x1) * j / columns, y: y1 + (y2 - y1) * i / rows, width: (x2 - x1) / columns, height: (y2 - y1) / rows }));
    const slot = way.slot[number] * rows * columns;
    paint(find("cells"), way.cells.subarray(slot, slot + rows * columns), columns);
  };
  const drawFcs = () => {
    const place = data.fc_rows.indexOf(roi.rois[chosen]);
    if (place < 0) { find("fcs").append(make("p", {}, say("fc_missing", { n: data.fc_rows.length }))); return; }
    for (const one of data.fcs) {
      const all = array(one.values), values = all.subarray(place * one.size, (place + 1) * one.size);
      const canvas = make("canvas", { "aria-hidden": "true" });
      paint(canvas, values, one.size);
      find("fcs").append(canvas, make("p", {}, say("fc_kept", { alive: one.alive[place], all: one.size })));
    }
  };
  const drawScores = () => {
    const classes = data.names.en.length, start = way.slot[roi.rois[chosen]] * (classes + 1);
    const scores = way.class_scores.subarray(start, start + classes + 1);
    const best = fishTrace.byScore(scores, Array(classes).keys()).slice(0, 6);
    const lines = best.map(label => [data.names[lang][label], scores[label]]);
    const rest = scores.slice(0, classes).reduce((sum, one) => sum + one, 0) - best.reduce((sum, label) => sum + scores[label], 0);
    if (classes > best.length) lines.push([say("others"), Math.max(rest, 0)]);
    lines.push([say("background"), scores[classes]]);
    for (const [text, value] of lines) {
      const line = make("p");
      line.append(make("span", {}, text), make("meter", { min: 0, max: 1, value, "aria-label": text }), make("span", { class: "n" }, value.toFixed(4)));
      find("bars").append(line);
    }
  };
  const table = (head, rows) => {
    const whole = make("table"), top = make("tr"), body = make("tbody"), thead = make("thead");
    head.forEach(text => top.append(make("th", { scope: "col" }, text)));
    thead.append(top);
    for (const [first, ...cells] of rows) {
      const line = make("tr");
      line.append(make("th", { scope: "row" }, first), ...cells.map(text => make("td", {}, text)));
      body.append(line);
    }
    whole.append(thead, body);
    return whole;
  };
  const drawDeltas = () => {
    const raw = roi.deltas.subarray(4 * chosen, 4 * chosen + 4);
    const rows = ["dx", "dy", "dw", "dh"].map((key, k) => {
      const value = raw[k] * data.stds[k], shown = k < 2 ? value : Math.exp(value);
      return [key, raw[k].toFixed(4), value.toFixed(4), `${say(key)} ${shown.toFixed(3)}`];
    });
    find("deltas-table").append(table([say("delta"), say("raw"), say("times_std"), say("means")], rows));
  };
  const drawSaliency = () => {
    const svg = clear("saliency-view", frameW, frameH), note = find("saliency-note");
    if (!data.has_saliency) { note.textContent = say("saliency_none"); return; }
    if (chosen < 0) return;
    const one = data.saliency[chosen];
    if (!one) { note.textContent = say("saliency_missing", { n: Object.keys(data.saliency).length }); return; }
    const [x1, y1, x2, y2] = one.box;
    svg.append(make("image", { href: one.uri, x: x1, y: y1, width: x2 - x1, height: y2 - y1, preserveAspectRatio: "none" }),
      rect(way.boxes, roi.rois[chosen], "proposal"));
  };

  const drawProposals = () => {
    const done = fishTrace.propose(rpn, Number(find("rpn-iou").value), Number(find("rpn-most").value));
    const kind = document.querySelector("input[name=show]:checked").value;
    const svg = clear("rpn-view", frameW, frameH), most = 100;
    const stored = { anchor: way.anchors, decoded: way.decoded, clipped: way.boxes }[kind];
    const boxes = stored || rpn.boxes, levels = stored ? way.level : rpn.levels;
    const rows = stored ? [...way.level.keys()] : kind === "left" ? done.kept : fishTrace.byScore(rpn.scores, rpn.scores.keys());
    const drawn = rows.slice(0, most);
    for (const row of drawn.reverse()) svg.append(rect(boxes, row, `thin l${Math.min(levels[row], 5)}`));
    find("rpn-now").textContent = say("rpn_now", { all: rpn.scores.length, nms: done.nms, left: done.kept.length, drawn: drawn.length });
  };

  const translate = next => {
    lang = next;
    document.documentElement.lang = lang;
    document.title = say("title");
    for (const button of document.querySelectorAll("[data-lang]")) button.setAttribute("aria-pressed", button.dataset.lang === lang);
    detect();
    drawProposals();
  };
  const set = (score, iou, most) => {
    for (const [id, value] of [["score", score], ["iou", iou], ["most", most]]) {
      find(id).value = value;
      show(find(id));
    }
    detect();
  };
  const show = input => {
    input.previousElementSibling.textContent = input.step === "1" ? input.value : round(Number(input.value));
  };
  const later = task => {  // once a frame, however fast the slider moves
    let waiting = false;
    return () => {
      if (waiting) return;
      waiting = true;
      requestAnimationFrame(() => { waiting = false; task(); });
    };
  };
  const listen = (ids, task) => {
    const soon = later(task);
    for (const id of ids) find(id).addEventListener("input", event => { show(event.target); soon(); });
  };
  listen(["score", "iou", "most"], detect);
  listen(["rpn-iou", "rpn-most"], drawProposals);
  for (const one of document.querySelectorAll("input[name=show]")) one.addEventListener("change", drawProposals);
  for (const one of document.querySelectorAll("[data-lang]")) one.addEventListener("click", () => translate(one.dataset.lang));
  for (const id of ["view", "list"]) find(id).addEventListener("click", event => {
    const hit = event.target.closest("[data-row]");
    if (hit) choose(Number(hit.dataset.row));
  });
  find("reset").addEventListener("click", () => set(data.start.score_thr, data.start.iou, data.start.most));
  find("own").addEventListener("click", () => set(data.start.lowest, data.start.iou, data.start.most));
  window.addEventListener("resize", later(drawResult));
  fishTrace.kept = () => kept;
  if (data.chosen >= 0) chosen = data.chosen;
  document.querySelectorAll("input[type=range]").forEach(show);
  translate(lang);
})();
