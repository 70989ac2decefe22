"use strict";

// Theme: the system's, until the reader chooses.
const stored = localStorage.getItem("theme");
if (stored) document.documentElement.dataset.theme = stored;
document.getElementById("theme").addEventListener("click", () => {
  const dark = document.documentElement.dataset.theme
    ? document.documentElement.dataset.theme === "dark"
    : matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.dataset.theme = dark ? "light" : "dark";
  localStorage.setItem("theme", document.documentElement.dataset.theme);
});

// Tables: a click on a heading sorts by it, best first, a second click the other way round; what is undefined stays last.
for (const table of document.querySelectorAll("table.sortable")) {
  const headings = [...table.tHead.rows[0].cells];
  headings.forEach((heading, column) => heading.querySelector("button")?.addEventListener("click", () => {
    const bestFirst = heading.dataset.better === "lower" ? "ascending" : "descending";
    const first = column === 0 ? "ascending" : bestFirst;
    const descending = heading.hasAttribute("aria-sort") ? heading.getAttribute("aria-sort") === "ascending" : first === "descending";
    headings.forEach((other) => other.removeAttribute("aria-sort"));
    heading.setAttribute("aria-sort", descending ? "descending" : "ascending");
    const key = (row) => row.cells[column].dataset.value ?? row.cells[column].textContent.trim();
    const sign = descending ? -1 : 1;
    const compare = (a, b) => {
      const [x, y] = [key(a), key(b)];
      const [p, q] = [Number(x), Number(y)];
      if (column === 0 || (Number.isNaN(p) && Number.isNaN(q))) return sign * x.localeCompare(y);
      return Number.isNaN(p) || Number.isNaN(q) ? Number.isNaN(p) - Number.isNaN(q) : sign * (p - q);
    };
    table.tBodies[0].append(...[...table.tBodies[0].rows].sort(compare));
  }));
}

// What scrolls can be scrolled by keys, and has a name of its own for those who hear the page.
const labels = new Map();
const lastHeading = (place) => [...document.querySelectorAll("h1, h2, h3")]
  .filter((heading) => heading.compareDocumentPosition(place) & Node.DOCUMENT_POSITION_FOLLOWING).at(-1);
for (const place of document.querySelectorAll(".scroll, .chart, .formula, pre")) {
  place.tabIndex = 0;
  if (place.tagName !== "FIGURE") place.setAttribute("role", "region");
  const words = (place.querySelector("caption, figcaption") ?? lastHeading(place))?.textContent.trim().slice(0, 80) ?? "";
  labels.set(words, (labels.get(words) ?? 0) + 1);
  place.setAttribute("aria-label", labels.get(words) > 1 ? `${words} (${labels.get(words)})` : words);
}

// Columns and methods: a reader hides those that do not matter to the question at hand.
for (const table of document.querySelectorAll("table.sortable")) {
  const headings = [...table.tHead.rows[0].cells];
  const rows = [...table.tBodies[0].rows];
  if (headings.length < 6 && rows.length < 6) continue;
  const choice = document.createElement("details");
  choice.className = "choice";
  choice.append(Object.assign(document.createElement("summary"), { textContent: "Choose columns and methods" }));
  const group = (legend, names, toggle) => {
    const field = document.createElement("fieldset");
    field.append(Object.assign(document.createElement("legend"), { textContent: legend }));
    names.forEach((name, index) => {
      const box = Object.assign(document.createElement("input"), { type: "checkbox", checked: true });
      box.addEventListener("change", () => toggle(index, !box.checked));
      const label = document.createElement("label");
      label.append(box, ` ${name}`);
      field.append(label);
    });
    choice.append(field);
  };
  const plain = (cell) => cell.textContent.replace(/[\u00a0\s]*[↑↓]/, "").trim();
  group("Columns", headings.slice(1).map(plain), (index, hidden) => {
    for (const row of table.rows) row.cells[index + 1].hidden = hidden;
  });
  group("Methods", rows.map((row) => plain(row.cells[0])), (index, hidden) => { rows[index].hidden = hidden; });
  table.parentElement.after(choice);
}

// Intervals: what a mouse finds by hovering, a button shows to fingers and keyboards.
for (const table of document.querySelectorAll("table.sortable")) {
  if (!table.querySelector("td[title], td[data-interval]")) continue;
  const button = Object.assign(document.createElement("button"), { type: "button", className: "notes", textContent: "Show intervals" });
  button.addEventListener("click", () => {
    button.textContent = table.classList.toggle("noted") ? "Hide intervals" : "Show intervals";
  });
  table.parentElement.after(button);
}

// Viewer: two images under one divider or side by side, zoom and pan locked together.
for (const viewer of document.querySelectorAll(".viewer")) {
  const named = (name) => viewer.querySelector(`[name="${name}"]`);
  const stage = viewer.querySelector(".stage");
  const panes = ["left", "right"].map((side) => stage.querySelector(`.pane.${side}`));
  const divider = stage.querySelector(".divider");
  const view = { scale: 1, x: 0, y: 0 };
  const tiles = document.createElement("div");
  tiles.className = "tiles";
  tiles.hidden = true;
  stage.after(tiles);

  const paneWidth = () => stage.clientWidth / (named("beside").checked ? 2 : 1);
  const show = () => {
    const beside = named("beside").checked;
    const share = beside ? 50 : Number(named("position").value);
    divider.style.left = `${share}%`;
    named("position").disabled = beside;
    const size = viewer.dataset;
    viewer.style.setProperty("--aspect", (beside ? 2 : 1) * size.width / size.height);
    const width = paneWidth(), height = stage.clientHeight;
    view.x = Math.min(0, Math.max(width - width * view.scale, view.x));
    view.y = Math.min(0, Math.max(height - height * view.scale, view.y));
    stage.style.touchAction = view.scale === 1 ? "pan-y" : "none";
    stage.style.setProperty("--unit", size.width / (width * view.scale));  // image pixels a screen pixel
    panes.forEach((pane, index) => {
      pane.style.left = beside && index ? "50%" : "0";
      pane.style.right = beside && !index ? "50%" : "0";
      pane.style.clipPath = beside ? "none" : index ? `inset(0 0 0 ${share}%)` : `inset(0 ${100 - share}% 0 0)`;
      for (const layer of pane.children) {
        layer.style.width = `${width * (layer.dataset.across ?? 1)}px`;
        layer.style.height = `${height * (layer.dataset.down ?? 1)}px`;
        layer.style.transform = `translate(${view.x}px, ${view.y}px) scale(${view.scale})`;
        layer.style.imageRendering = view.scale > 3 && !layer.dataset.across ? "pixelated" : "auto";
      }
    });
    // Every tile shows the part that the stage shows.
    for (const image of tiles.querySelectorAll("img")) {
      const share = image.parentElement.clientWidth / width;
      image.style.transform = `translate(${view.x * share}px, ${view.y * share}px) scale(${view.scale})`;
      image.style.imageRendering = view.scale > 3 ? "pixelated" : "auto";
    }
    remember();
  };
  // The page's address says what is looked at, so that it can be sent to somebody.
  const KEPT = ["left", "right", "position", "beside", "boxes", "found", "all"];
  const remember = () => {
    const state = new URLSearchParams();
    for (const name of KEPT) {
      const field = named(name);
      if (!field) continue;
      if (field.type === "checkbox") { if (field.checked) state.set(name, "1"); } else state.set(name, field.value);
    }
    if (view.scale > 1) {
      const [width, height] = [paneWidth(), stage.clientHeight];
      state.set("view", [view.scale, view.x / width, view.y / height].map((value) => value.toFixed(4)).join(","));
    }
    const phrase = chips.findIndex((chip) => chip.ariaPressed === "true");
    if (phrase >= 0) state.set("phrase", phrase);
    history.replaceState(null, "", `#${state}`);
  };
  const recall = () => {
    const state = new URLSearchParams(location.hash.slice(1));
    for (const name of KEPT) {
      const field = named(name);
      if (!field || !state.has(name)) continue;
      if (field.type === "checkbox") field.checked = state.get(name) === "1";
      else if (field.type === "range" || [...field.options].some((option) => option.value === state.get(name))) field.value = state.get(name);
    }
    showBoxes();
    fill();
    const [scale, x, y] = (state.get("view") ?? "").split(",").map(Number);
    load();
    show();
    if (scale > 1 && scale <= 16 && Number.isFinite(x) && Number.isFinite(y)) {
      Object.assign(view, { scale, x: x * paneWidth(), y: y * stage.clientHeight });
      show();
    }
    const chip = state.has("phrase") ? chips[Number(state.get("phrase"))] : null;
    if (chip) { choose(chip); remember(); }
  };
  const showBoxes = () => {
    const asked = { truth: named("boxes")?.checked, found: named("found")?.checked };
    for (const layer of stage.querySelectorAll("svg")) {
      layer.toggleAttribute("hidden", !asked.truth && !asked.found);
      for (const [kind, wanted] of Object.entries(asked)) layer.querySelector(`.${kind}`).style.display = wanted ? "" : "none";
    }
  };
  // What the detector found in a method's image, drawn below each box; the labelled boxes have their names above.
  const found = JSON.parse(viewer.querySelector("script")?.textContent ?? "{}");
  const draw = (layer, boxes) => layer.replaceChildren(...boxes.map((box) => {
    const [group, rect, text] = ["g", "rect", "text"].map((tag) => document.createElementNS("http://www.w3.org/2000/svg", tag));
    for (const [name, value] of Object.entries({ x: box.x, y: box.y, width: box.w, height: box.h })) rect.setAttribute(name, value);
    text.setAttribute("x", box.x);
    text.setAttribute("y", Math.min(box.y + box.h, viewer.dataset.height - 2));
    text.setAttribute("dy", box.y + box.h < viewer.dataset.height * 0.95 ? "1em" : "0");
    text.textContent = `${box.category} ${box.score}`;
    group.append(rect, text);
    return group;
  }));
  // All methods at once: made when it is first asked for, as each is a whole picture.
  const fill = () => {
    tiles.hidden = !named("all").checked;
    if (tiles.hidden || tiles.childElementCount) return;
    for (const option of named("left").options) {
      const tile = document.createElement("figure");
      const frame = document.createElement("div");
      frame.append(Object.assign(document.createElement("img"), { src: `${viewer.dataset.folder}${option.value}.webp`, alt: `${option.text} image` }));
      tile.append(frame, Object.assign(document.createElement("figcaption"), { textContent: option.text }));
      tiles.append(tile);
    }
  };
  const load = () => panes.forEach((pane, index) => {
    const [method] = named(index ? "right" : "left").selectedOptions;
    const image = pane.querySelector("img");
    image.src = `${viewer.dataset.folder}${method.value}.webp`;
    image.alt = `${method.text} image`;
    draw(pane.querySelector(".found"), found[method.value] ?? []);
  });
  const zoom = (factor, x = paneWidth() / 2, y = stage.clientHeight / 2) => {
    const scale = Math.min(16, Math.max(1, view.scale * factor));
    view.x = x - (x - view.x) * scale / view.scale;
    view.y = y - (y - view.y) * scale / view.scale;
    view.scale = scale;
    show();
  };
  const move = (step) => { named("position").value = Number(named("position").value) + step; show(); };

  // The attention map of the chosen phrase lies over both sides; choosing it again takes it away.
  const chips = [...viewer.querySelectorAll("button.chip")];
  const choose = (chosen) => {
    chips.forEach((chip) => chip.setAttribute("aria-pressed", chip === chosen));
    for (const layer of stage.querySelectorAll(".heat")) {
      if (chosen) layer.src = viewer.dataset.folder + chosen.dataset.map;
      layer.hidden = !chosen;
    }
    viewer.querySelector(".unchosen").hidden = Boolean(chosen);
    viewer.querySelector(".chosen").hidden = !chosen;
    if (!chosen) return;
    viewer.querySelector(".chosen b").textContent = chosen.firstChild.textContent.trim();
    viewer.querySelector(".chosen output").textContent = chosen.dataset.most;
  };
  for (const chip of chips) {
    chip.addEventListener("click", () => { choose(chip.ariaPressed === "true" ? null : chip); remember(); });
  }

  for (const side of ["left", "right"]) named(side).addEventListener("change", () => { load(); remember(); });
  named("all").addEventListener("change", () => { fill(); show(); });
  named("position").addEventListener("input", show);
  named("beside").addEventListener("change", show);
  for (const name of ["boxes", "found"]) named(name)?.addEventListener("change", () => { showBoxes(); remember(); });
  named("in").addEventListener("click", () => zoom(1.5));
  named("out").addEventListener("click", () => zoom(1 / 1.5));
  named("reset").addEventListener("click", () => { Object.assign(view, { scale: 1, x: 0, y: 0 }); show(); });
  stage.addEventListener("wheel", (event) => {
    event.preventDefault();
    const frame = stage.getBoundingClientRect();
    zoom(event.deltaY < 0 ? 1.25 : 0.8, (event.clientX - frame.left) % paneWidth(), event.clientY - frame.top);
  }, { passive: false });
  stage.addEventListener("keydown", (event) => {
    const actions = {
      ArrowLeft: () => move(-2), ArrowRight: () => move(2),
      "+": () => zoom(1.25), "=": () => zoom(1.25), "-": () => zoom(0.8),
    };
    if (!(event.key in actions)) return;
    event.preventDefault();
    actions[event.key]();
  });
  stage.addEventListener("pointerdown", (event) => {
    stage.setPointerCapture(event.pointerId);
    const frame = stage.getBoundingClientRect();
    const near = !named("beside").checked
      && Math.abs(event.clientX - frame.left - frame.width * named("position").value / 100) < 24;
    let [x, y] = [event.clientX, event.clientY];
    const drag = (moved) => {
      if (!named("beside").checked && (near || view.scale === 1)) {
        named("position").value = 100 * (moved.clientX - frame.left) / frame.width;
      } else {
        view.x += moved.clientX - x;
        view.y += moved.clientY - y;
      }
      [x, y] = [moved.clientX, moved.clientY];
      show();
    };
    stage.addEventListener("pointermove", drag);
    stage.addEventListener("lostpointercapture", () => stage.removeEventListener("pointermove", drag), { once: true });
  });
  addEventListener("resize", show);
  recall();
}

// Strength of the prompt: one slider for all pairs of the page. The first touch fetches what it will show.
const strength = document.getElementById("strength");
if (strength) {
  const steps = strength.dataset.strengths.split(" ");
  const pictures = [...document.querySelectorAll("img[data-stem]")];
  const at = (picture, step) => `${picture.dataset.stem}${step}.webp`;
  const fetchAll = () => { for (const picture of pictures) steps.forEach((_, step) => { new Image().src = at(picture, step); }); };
  for (const event of ["pointerenter", "focus"]) strength.addEventListener(event, fetchAll, { once: true });
  strength.addEventListener("input", () => {
    for (const picture of pictures) picture.src = at(picture, strength.value);
    strength.setAttribute("aria-valuetext", steps[strength.value]);
    document.querySelector("output[for=strength]").textContent = steps[strength.value];
  });
}
