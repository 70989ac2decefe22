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

// Intervals: what a mouse finds by hovering, a button shows to fingers and keyboards.
for (const table of document.querySelectorAll("table.sortable")) {
  if (!table.querySelector("td[title]")) continue;
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
  };
  const load = () => panes.forEach((pane, index) => {
    const method = named(index ? "right" : "left").value;
    const image = pane.querySelector("img");
    image.src = `${viewer.dataset.folder}${method}.webp`;
    image.alt = `${method} image`;
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
    chip.addEventListener("click", () => choose(chip.ariaPressed === "true" ? null : chip));
  }

  named("left").addEventListener("change", load);
  named("right").addEventListener("change", load);
  named("position").addEventListener("input", show);
  named("beside").addEventListener("change", show);
  named("boxes")?.addEventListener("change", (event) => {
    for (const layer of stage.querySelectorAll("svg")) layer.toggleAttribute("hidden", !event.target.checked);
  });
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
  load();
  show();
}
