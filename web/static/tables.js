/* Tables that say data-csv="name" sort by their heads, filter, and download exactly what they show. */
(() => {
  "use strict";
  const units = { k: 1e3, M: 1e6, G: 1e9, ms: 1e-3, s: 1, m: 60, h: 3600, d: 86400, "%": 1 };
  const textOf = (cell) => {
    const time = cell.querySelector("time[datetime]");
    return (cell.dataset.v ?? (time && cell.textContent.trim() === time.textContent.trim() ? time.dateTime : cell.textContent)).replace(/\s+/g, " ").trim();
  };
  /* "$1.2 k", "2 m 14 s", "91.2 %" and "×3.1" as numbers; null when it is words */
  const numberOf = (text) => {
    const plain = text.replace(/[\u00a0\u202f ]+/g, " ").replace(/,/g, "").replace(/\u2212/g, "-").replace(/^[<>~\u00d7\u00b1]/, "").replace(/\$/, "").replace(/ ago$|\+$/, "");
    if (/^-?\d+(\.\d+)?$/.test(plain)) return Number(plain);
    const parts = [...plain.matchAll(/(-?\d+(?:\.\d+)?) ?(ms|[kMGsmhd%])(?= |$)/g)];
    if (!parts.length || plain.replace(/(-?\d+(?:\.\d+)?) ?(ms|[kMGsmhd%])(?= |$)/g, "").trim()) return null;
    return parts.reduce((sum, p) => sum + Number(p[1]) * units[p[2]], 0);
  };
  /* a cell that a spreadsheet would run as a formula is quoted; plain numbers stay numbers */
  const csvCell = (text) => {
    const inner = text.replace(/;(["\s]*)(?=[=+\-@|%\uff1d\uff0b\uff0d\uff20])/g, ";$1'");
    const safe = /^\s*[=+\-@|%\t\r\n\uff1d\uff0b\uff0d\uff20]/.test(text) && !/^-?\d+(\.\d+)?$/.test(text) ? "'" + inner : inner;
    return '"' + safe.replace(/"/g, '""') + '"';
  };
  const state = () => (new URL(location.href).searchParams.get("sort") || "").split(".");
  const remember = (name, column, down) => {
    const address = new URL(location.href);
    address.searchParams.set("sort", [name, column, down ? "down" : "up"].join("."));
    history.replaceState(history.state, "", address);
  };
  const sort = (table, column, down) => {
    const body = table.tBodies[0];
    const rows = [...body.rows].map((row, at) => {
      const text = row.cells[column] ? textOf(row.cells[column]) : "";
      return { row, at, text, number: numberOf(text) };
    });
    const numeric = rows.some((r) => r.number !== null);
    const empty = (r) => (numeric ? r.number === null : r.text === "");
    rows.sort((a, b) => {
      if (empty(a) !== empty(b)) return empty(a) ? 1 : -1;
      const way = numeric ? a.number - b.number : a.text.localeCompare(b.text, undefined, { numeric: true });
      return (down ? -way : way) || a.at - b.at;
    });
    body.append(...rows.map((r) => r.row));
    [...table.tHead.rows[0].cells].forEach((th, n) => (n === column ? th.setAttribute("aria-sort", down ? "descending" : "ascending") : th.removeAttribute("aria-sort")));
  };
  const download = (table, name) => {
    const heads = [...table.tHead.rows[0].cells].map((th) => th.textContent.replace(/\s+/g, " ").trim());
    const wanted = heads.map((h, n) => (h ? n : -1)).filter((n) => n >= 0);
    const lines = [wanted.map((n) => csvCell(heads[n])).join(",")];
    for (const row of table.tBodies[0].rows) if (!row.hidden) lines.push(wanted.map((n) => csvCell(row.cells[n] ? textOf(row.cells[n]) : "")).join(","));
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob(["\ufeff" + lines.join("\r\n") + "\r\n"], { type: "text/csv" }));
    link.download = name + ".csv";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  };
  const prepare = (table) => {
    const name = table.dataset.csv;
    if (table.dataset.ready || !table.tHead || !table.tBodies[0]) return;
    table.dataset.ready = "1";
    [...table.tHead.rows[0].cells].forEach((th, column) => {
      /* a head that is a link has the server order everything, not only these rows */
      if (!th.textContent.trim() || th.colSpan > 1 || th.querySelector("a.sort")) return;
      const button = document.createElement("button");
      button.type = "button";
      button.className = "sort";
      button.append(...th.childNodes);
      th.append(button);
      button.addEventListener("click", () => {
        const known = th.getAttribute("aria-sort");
        const down = known ? known === "ascending" : th.classList.contains("num");
        sort(table, column, down);
        remember(name, column, down);
      });
    });
    const tools = document.createElement("div");
    tools.className = "table-tools";
    if (table.tBodies[0].rows.length > 8) {
      const input = document.createElement("input");
      Object.assign(input, { className: "in", type: "search", placeholder: "Filter these rows", ariaLabel: "Filter these rows" });
      input.addEventListener("input", () => {
        const needle = input.value.toLowerCase();
        for (const row of table.tBodies[0].rows) row.hidden = !row.textContent.toLowerCase().includes(needle);
      });
      tools.append(input);
    }
    const button = document.createElement("button");
    Object.assign(button, { type: "button", className: "btn quiet tiny", textContent: "CSV", title: "Download what this table shows" });
    button.addEventListener("click", () => download(table, name));
    tools.append(button);
    const frame = table.closest(".scroll") || table;
    frame.after(tools);
    const [which, column, way] = state();
    if (which === name && /^\d+$/.test(column || "") && Number(column) < table.tHead.rows[0].cells.length) sort(table, Number(column), way === "down");
  };
  const prepareAll = () => document.querySelectorAll("table[data-csv]").forEach(prepare);
  prepareAll();
  document.addEventListener("htmx:afterSettle", prepareAll);
})();
