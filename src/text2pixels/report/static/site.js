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

// Tables: a click on a heading sorts by it, a second click the other way round.
for (const table of document.querySelectorAll("table.sortable")) {
  const headings = [...table.tHead.rows[0].cells];
  headings.forEach((heading, column) => heading.querySelector("button")?.addEventListener("click", () => {
    const descending = heading.getAttribute("aria-sort") !== "descending";
    headings.forEach((other) => other.removeAttribute("aria-sort"));
    heading.setAttribute("aria-sort", descending ? "descending" : "ascending");
    const key = (row) => row.cells[column].dataset.value ?? row.cells[column].textContent.trim();
    const compare = (a, b) => {
      const [x, y] = [key(a), key(b)];
      const [p, q] = [parseFloat(x), parseFloat(y)];
      if (Number.isNaN(p) && Number.isNaN(q)) return x.localeCompare(y);
      if (Number.isNaN(p) || Number.isNaN(q)) return (Number.isNaN(p) ? -Infinity : p) - (Number.isNaN(q) ? -Infinity : q);
      return p - q;
    };
    const rows = [...table.tBodies[0].rows].sort(compare);
    if (descending) rows.reverse();
    table.tBodies[0].append(...rows);
  }));
}

// Viewer: two images under one divider or side by side, zoom and pan locked together.
for (const viewer of document.querySelectorAll(".viewer")) {
  const named = (name) => viewer.querySelector(`[name="${name}"]`);
  const stage = viewer.querySelector(".stage");
  const panes = ["left", "right"].map((side) => stage.querySelector(`.pane.${side}`));
  const divider = stage.querySelector(".divider");
  const view = { scale: 1, x: 0, y: 0 };

  const show = () => {
    const beside = named("beside").checked;
    const share = beside ? 50 : Number(named("position").value);
    divider.style.left = `${share}%`;
    named("position").disabled = beside;
    const width = stage.clientWidth, height = stage.clientHeight;
    const paneWidth = beside ? width / 2 : width;
    view.x = Math.min(0, Math.max(paneWidth - width * view.scale, view.x));
    view.y = Math.min(0, Math.max(height - height * view.scale, view.y));
    panes.forEach((pane, index) => {
      pane.style.left = beside && index ? "50%" : "0";
      pane.style.right = beside && !index ? "50%" : "0";
      pane.style.clipPath = beside ? "none" : index ? `inset(0 0 0 ${share}%)` : `inset(0 ${100 - share}% 0 0)`;
      for (const layer of pane.children) {
        layer.style.width = `${width}px`;
        layer.style.height = `${height}px`;
        layer.style.transform = `translate(${view.x}px, ${view.y}px) scale(${view.scale})`;
        layer.style.imageRendering = view.scale > 3 ? "pixelated" : "auto";
      }
    });
  };
  const load = () => panes.forEach((pane, index) => {
    const method = named(index ? "right" : "left").value;
    const image = pane.querySelector("img");
    image.src = `${viewer.dataset.folder}${method}.webp`;
    image.alt = `${method} image`;
  });
  const zoom = (factor, x, y) => {
    const scale = Math.min(16, Math.max(1, view.scale * factor));
    view.x = x - (x - view.x) * scale / view.scale;
    view.y = y - (y - view.y) * scale / view.scale;
    view.scale = scale;
    show();
  };
  const move = (step) => { named("position").value = Number(named("position").value) + step; show(); };

  named("left").addEventListener("change", load);
  named("right").addEventListener("change", load);
  named("position").addEventListener("input", show);
  named("beside").addEventListener("change", show);
  named("boxes")?.addEventListener("change", (event) => {
    for (const layer of stage.querySelectorAll("svg")) layer.toggleAttribute("hidden", !event.target.checked);
  });
  named("reset").addEventListener("click", () => { Object.assign(view, { scale: 1, x: 0, y: 0 }); show(); });
  stage.addEventListener("wheel", (event) => {
    event.preventDefault();
    const frame = stage.getBoundingClientRect();
    zoom(event.deltaY < 0 ? 1.25 : 0.8, event.clientX - frame.left, event.clientY - frame.top);
  }, { passive: false });
  stage.addEventListener("keydown", (event) => {
    const centre = [stage.clientWidth / 2, stage.clientHeight / 2];
    const actions = {
      ArrowLeft: () => move(-2), ArrowRight: () => move(2),
      "+": () => zoom(1.25, ...centre), "=": () => zoom(1.25, ...centre), "-": () => zoom(0.8, ...centre),
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
      if (near || view.scale === 1) {
        named("position").value = 100 * (moved.clientX - frame.left) / frame.width;
      } else {
        view.x += moved.clientX - x;
        view.y += moved.clientY - y;
      }
      [x, y] = [moved.clientX, moved.clientY];
      show();
    };
    stage.addEventListener("pointermove", drag);
    stage.addEventListener("pointerup", () => stage.removeEventListener("pointermove", drag), { once: true });
  });
  addEventListener("resize", show);
  load();
  show();
}
