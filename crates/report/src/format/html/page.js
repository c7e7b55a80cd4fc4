// Sorting, filtering, pointing and brushing: the page is whole without it.
"use strict";
(() => {
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];

  // Theme: the system's, light or dark.
  const themes = ["system", "light", "dark"];
  const themeSwitch = document.querySelector("[data-theme-switch]");
  themeSwitch.hidden = false;
  themeSwitch.addEventListener("click", () => {
    const now = document.documentElement.dataset.theme ?? "system";
    const next = themes[(themes.indexOf(now) + 1) % themes.length];
    if (next === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = next;
    themeSwitch.textContent = `Theme: ${next}`;
  });

  // A filter is words that must all be in the row, or comparisons of a column with a number or word: batch<=64 decay=0. Numbers are
  // meant as they are shown: 90 or 90% of a column in per cent (and 0.9, which nobody can mean otherwise).
  const operators = {
    "<=": (a, b) => a <= b, ">=": (a, b) => a >= b, "!=": (a, b) => a !== b,
    "=": (a, b) => a === b, "<": (a, b) => a < b, ">": (a, b) => a > b,
  };
  const condition = (term, columns) => {
    const parts = /^(.+?)(<=|>=|!=|=|<|>)(.+)$/.exec(term);
    if (!parts) return (row) => row.text.includes(term.toLowerCase());
    const [, key, operator, wanted] = parts;
    const index = columns.findIndex((it) => it.names.includes(key.toLowerCase()));
    if (index < 0) return null;
    const number = Number(wanted.replace("%", ""));
    const { scale, difference } = columns[index];
    const share = scale === 100 && !difference && !wanted.includes("%") && Math.abs(number) <= 1;
    return (row) => {
      const value = row.values[index];
      if (value === undefined) return false;
      const numeric = Number(value) * (share ? 1 : scale);
      const both = !Number.isNaN(number) && !Number.isNaN(numeric);
      return both ? operators[operator](numeric, number) : operators[operator](value.toLowerCase(), wanted.toLowerCase());
    };
  };

  const table = (element) => {
    const id = element.dataset.table;
    const section = document.getElementById(id);
    const body = element.tBodies[0];
    const heads = all("thead th", element);
    const columns = heads.map((head) => {
      const title = head.textContent.trim().toLowerCase();
      const names = [head.dataset.name.toLowerCase(), title, title.replaceAll(" ", "_")];
      return { names, scale: Number(head.dataset.scale), difference: head.dataset.name === "difference" };
    });
    const rows = [...body.rows].map((row) => ({
      element: row,
      setting: row.dataset.setting,
      text: row.textContent.toLowerCase(),
      values: [...row.cells].map((cell) => cell.dataset.value),
    }));
    const input = document.querySelector(`[data-filter="${id}"]`);
    const count = document.querySelector(`[data-count="${id}"]`);
    const brushes = new Map();

    const apply = () => {
      // Blanks around an operator, a doubled =, the word and: as in other languages. What is half typed asks nothing yet.
      const typed = input.value.replace(/\s*(<=|>=|!=|==|=|<|>)\s*/g, (_, operator) => (operator === "==" ? "=" : operator));
      const terms = typed.trim().split(/\s+/).filter((term) => term && term.toLowerCase() !== "and" && !/[<>=]$/.test(term));
      const conditions = terms.map((term) => condition(term, columns));
      const wrong = conditions.includes(null);
      input.setAttribute("aria-invalid", String(wrong));
      const shown = new Set();
      for (const row of rows) {
        const within = [...brushes.values()].every((inside) => inside.has(row.setting));
        const visible = wrong || (within && conditions.every((holds) => holds(row)));
        row.element.hidden = !visible;
        if (visible) shown.add(row.setting);
      }
      for (const mark of all(".chart-room [data-setting]", section)) mark.classList.toggle("out", !shown.has(mark.dataset.setting));
      count.textContent = wrong ? "no such column" : `${shown.size} of ${rows.length} settings`;
    };

    heads.forEach((head, index) => {
      if (head.querySelector(".away")) return;
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const ascending = head.getAttribute("aria-sort") !== "ascending";
        heads.forEach((other) => other.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", ascending ? "ascending" : "descending");
        const order = (a, b) => {
          const [x, y] = [a.values[index], b.values[index]];
          if (x === undefined || y === undefined) return (x === undefined) - (y === undefined);
          const [m, n] = [Number(x), Number(y)];
          const by = Number.isNaN(m) || Number.isNaN(n) ? x.localeCompare(y, "en") : m - n;
          return ascending ? by : -by;
        };
        body.append(...rows.slice().sort(order).map((row) => row.element));
      });
    });
    input.closest(".controls").hidden = false;
    input.addEventListener("input", apply);
    document.querySelector(`[data-reset="${id}"]`).addEventListener("click", () => {
      input.value = "";
      brushes.clear();
      all(".brush", section).forEach((brush) => brush.remove());
      apply();
    });
    for (const svg of all("svg:has([data-axis])", section)) brushing(svg, brushes, apply);
    pointing(section);
    apply();
  };

  // What is pointed at in a table or chart stands out in all of them.
  const tip = document.getElementById("tip");
  const pointing = (section) => {
    const light = (setting) => {
      for (const chart of all(".chart-room", section)) {
        const marks = all("[data-setting]", chart);
        const lit = marks.filter((mark) => mark.dataset.setting === setting);
        marks.forEach((mark) => mark.classList.toggle("lit", lit.includes(mark)));
        chart.classList.toggle("pointed", lit.length > 0);
      }
      for (const row of all("tr[data-setting]", section)) row.classList.toggle("lit", row.dataset.setting === setting);
    };
    section.addEventListener("pointerover", (event) => light(event.target.closest("[data-setting]")?.dataset.setting));
    section.addEventListener("pointerleave", () => light(undefined));
    section.addEventListener("pointermove", (event) => {
      const title = event.target.closest("svg *")?.closest(":has(> title)");
      const text = title && title.tagName !== "svg" ? title.querySelector(":scope > title").textContent : "";
      tip.hidden = !text;
      if (!text) return;
      tip.textContent = text;
      const { offsetWidth: width, offsetHeight: height } = tip;
      tip.style.left = `${Math.max(4, Math.min(event.clientX + 14, innerWidth - width - 4))}px`;
      tip.style.top = `${event.clientY + 18 + height > innerHeight ? event.clientY - height - 10 : event.clientY + 18}px`;
    });
    section.addEventListener("pointerleave", () => { tip.hidden = true; });
  };

  // Drag along an axis of the parallel coordinates: only settings that pass there remain. A click lifts it.
  const brushing = (svg, brushes, apply) => {
    const at = (event) => new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse()).y;
    for (const axis of all("[data-axis]", svg)) {
      const index = Number(axis.dataset.axis);
      const [x, top, bottom] = [axis.dataset.x, axis.dataset.top, axis.dataset.bottom].map(Number);
      const grip = document.createElementNS("http://www.w3.org/2000/svg", "rect");
      for (const [name, value] of Object.entries({ x: x - 14, y: top - 6, width: 28, height: bottom - top + 12, fill: "transparent" })) grip.setAttribute(name, value);
      grip.style.cursor = "ns-resize";
      grip.style.touchAction = "none";
      svg.append(grip);
      let start = null;
      let brush = null;
      const lift = () => { brush?.remove(); brush = null; brushes.delete(axis); };
      grip.addEventListener("pointerdown", (event) => {
        grip.setPointerCapture(event.pointerId);
        lift();
        start = at(event);
        apply();
      });
      grip.addEventListener("pointermove", (event) => {
        if (start === null || (!brush && Math.abs(at(event) - start) < 4)) return;
        const [from, to] = [start, at(event)].sort((a, b) => a - b).map((y) => Math.max(top - 2, Math.min(bottom + 2, y)));
        if (!brush || !brush.isConnected) {
          brush = document.createElementNS("http://www.w3.org/2000/svg", "rect");
          brush.setAttribute("class", "brush");
          svg.insertBefore(brush, grip);
        }
        for (const [name, value] of Object.entries({ x: x - 8, y: from, width: 16, height: to - from })) brush.setAttribute(name, value);
        const inside = new Set();
        for (const line of all("[data-ys]", svg)) {
          const y = line.dataset.ys.split(",")[index];
          if (y !== undefined && y !== "" && Number(y) >= from && Number(y) <= to) inside.add(line.dataset.setting);
        }
        brushes.set(axis, inside);
        apply();
      });
      grip.addEventListener("pointerup", () => { start = null; });
      grip.addEventListener("pointercancel", () => { start = null; });
    }
  };

  all("table[data-table]").forEach(table);
})();
