/* Draws the figures that the server wrote, in the page's own colours; again when the theme changes. */
(() => {
  "use strict";
  const colour = (name) => {
    const probe = document.createElement("i");
    probe.style.color = "var(" + name + ")";
    document.body.append(probe);
    const found = getComputedStyle(probe).color;
    probe.remove();
    return found;
  };
  const paint = (value) => {
    if (typeof value === "string") return value.startsWith("--") ? colour(value) : value;
    if (Array.isArray(value)) return value.map(paint);
    if (value && typeof value === "object") return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, paint(v)]));
    return value;
  };
  const local = (figure) => {
    if (document.documentElement.dataset.zone === "utc") return;
    const here = (t) => {
      const d = new Date(t);
      return new Date(d.getTime() - d.getTimezoneOffset() * 60000).toISOString().slice(0, 19);
    };
    if (figure.layout.xaxis?.type !== "date") return;
    for (const trace of figure.data) trace.x = trace.x.map(here);
    for (const shape of figure.layout.shapes || []) if (shape.xref === "x") [shape.x0, shape.x1] = [here(shape.x0), here(shape.x1)];
  };
  const draw = () => {
    if (!window.Plotly) return;
    for (const box of document.querySelectorAll("[data-figure]")) {
      const figure = JSON.parse(document.getElementById(box.dataset.figure).textContent);
      local(figure);
      const drawn = paint(figure);
      const text = colour("--muted");
      Object.assign(drawn.layout, {
        paper_bgcolor: "rgba(0,0,0,0)",
        plot_bgcolor: "rgba(0,0,0,0)",
        font: { family: getComputedStyle(document.body).fontFamily, size: 12, color: text },
        hoverlabel: { bgcolor: colour("--surface"), bordercolor: colour("--line-strong"), font: { color: colour("--text"), size: 12 } },
        autosize: true,
      });
      /* with a mouse, dragging over a chart of time narrows the page to that time; a finger scrolls */
      const timed = "brush" in box.dataset && figure.layout.xaxis?.type === "date" && matchMedia("(pointer: fine)").matches;
      Object.assign(drawn.layout, timed ? { dragmode: "select", selectdirection: "h", newselection: { line: { color: colour("--accent"), width: 1, dash: "solid" } } } : { dragmode: false });
      window.Plotly.react(box, drawn.data, drawn.layout, { displayModeBar: false, responsive: true, showTips: false });
      if (timed && !box.dataset.brushed) {
        box.dataset.brushed = "1";
        box.on("plotly_selected", (chosen) => chosen?.range?.x && narrow(chosen.range.x, box.dataset.brush));
      }
    }
  };
  const moment = (text) => new Date(String(text).trim().replace(" ", "T") + (document.documentElement.dataset.zone === "utc" ? "Z" : "")).getTime();
  const narrow = (ends, to) => {
    const [since, until] = ends.map(moment).sort((a, b) => a - b);
    if (!(until - since >= 1000)) return;
    const address = new URL(to || location.href, location.origin);
    for (const name of ["range", "cursor"]) address.searchParams.delete(name);
    address.searchParams.set("since", new Date(since).toISOString().slice(0, 19) + "Z");
    address.searchParams.set("until", new Date(until).toISOString().slice(0, 19) + "Z");
    location.href = address;
  };
  draw();
  addEventListener("themechange", draw);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
})();
