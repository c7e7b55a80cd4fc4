// Sorting, filtering, highlighting and brushing. The page is complete without this script.
"use strict";
(() => {
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];

  // The theme follows the system, or is light or dark.
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

  // A filter consists of words that the row must contain and of comparisons of a column with a number or
  // a word: batch_size<=64 decay=0. Numbers are given as displayed: 90 or 90% in a column in per cent. There
  // 0.9 also means 90%.
  const operators = {
    "<=": (a, b) => a <= b, ">=": (a, b) => a >= b, "!=": (a, b) => a !== b,
    "=": (a, b) => a === b, "<": (a, b) => a < b, ">": (a, b) => a > b,
  };
  const condition = (term, columns) => {
    const parts = /^(.+?)(<=|>=|!=|=|<|>)(.+)$/.exec(term);
    if (!parts) return (row) => row.text.includes(term.toLowerCase());
    const [, key, operator, wanted] = parts;
    const index = columns.findIndex((column) => column.names.includes(key.toLowerCase()));
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

  const table = (section) => {
    const id = section.id;
    const input = document.querySelector(`[data-filter="${id}"]`);
    const count = document.querySelector(`[data-count="${id}"]`);
    const brushes = new Map(); // by axis: the covered interval in chart coordinates
    let covered = []; // by brush: the title of its axis, the covered values, and the interval
    let order = null; // the sorted column, and whether it is ascending
    let columns, rows;

    const titleOf = (axis) => axis.querySelector("title").textContent.trim().toLowerCase();
    const columnOf = (title) => columns.findIndex(({ names }) => names.includes(title));
    // A renewed chart draws the same values at other positions.
    const restoreBrushes = (svg) => {
      brushes.clear();
      for (const [title, values, was] of covered) {
        const axis = all("[data-axis]", svg).find((axis) => titleOf(axis) === title);
        const index = columnOf(title);
        if (!axis || index < 0) continue;
        const [least, most] = [Math.min(...values.map(Number)), Math.max(...values.map(Number))];
        const covers = (value) => values.includes(value) || (value !== undefined && value >= least && value <= most);
        const settings = new Set(rows.filter((row) => covers(row.values[index])).map((row) => row.setting));
        const heights = (within) => all("[data-ys]", svg).filter((line) => settings.has(line.dataset.setting) === within)
          .map((line) => line.dataset.ys.split(",")[axis.dataset.axis]).filter(Boolean).map(Number);
        const [from, to] = [Math.min(...heights(true)), Math.max(...heights(true))];
        const room = Math.min(6, ...heights(false).map((y) => Math.max(from - y, y - to) / 2).filter((room) => room > 0));
        brushes.set(Number(axis.dataset.axis), from <= to ? [from - room, to + room] : was);
      }
    };

    const read = () => {
      input.closest(".controls").hidden = false;
      const element = section.querySelector("table[data-table]");
      const heads = all("thead th", element);
      columns = heads.map((head) => {
        const title = head.textContent.trim().toLowerCase();
        const names = [head.dataset.name.toLowerCase(), title, title.replaceAll(" ", "_")];
        return { names, scale: Number(head.dataset.scale), difference: head.dataset.name === "difference" };
      });
      rows = [...element.tBodies[0].rows].map((row) => ({
        element: row,
        setting: row.dataset.setting,
        text: row.textContent.toLowerCase(),
        values: [...row.cells].map((cell) => cell.dataset.value),
      }));
      for (const head of heads) if (!head.querySelector(".away, button")) button(head);
      sort(element);
      if (!section.querySelector("svg [data-axis]")) brushes.clear();
      for (const svg of all("svg:has([data-axis])", section)) {
        if (svg.querySelector(".grip")) continue;
        restoreBrushes(svg);
        brushing(svg, brushes, apply);
      }
      apply();
    };

    const apply = () => {
      // Blanks around operators, == and the word "and" are allowed. Incomplete comparisons are ignored.
      // A column can be typed as its heading, which may have blanks.
      let typed = input.value.replace(/\s*(<=|>=|!=|==|=|<|>)\s*/g, (_, operator) => (operator === "==" ? "=" : operator)).toLowerCase();
      for (const { names: [name, title] } of columns.filter(({ names }) => names[1].includes(" ")))
        for (const operator of "<>=!") typed = typed.replaceAll(title + operator, name + operator);
      const terms = typed.trim().split(/\s+/).filter((term) => term && term.toLowerCase() !== "and" && !/[<>=]$/.test(term));
      const conditions = terms.map((term) => condition(term, columns));
      const wrong = conditions.includes(null);
      input.setAttribute("aria-invalid", String(wrong));
      const passing = [...brushes].map(([axis, [from, to]]) => {
        const passes = (line) => {
          const y = line.dataset.ys.split(",")[axis];
          return y !== undefined && y !== "" && Number(y) >= from && Number(y) <= to;
        };
        return new Set(all("svg [data-ys]", section).filter(passes).map((line) => line.dataset.setting));
      });
      covered = [...brushes].map(([axis, range], index) => {
        const title = titleOf(section.querySelector(`svg [data-axis="${axis}"]`));
        const values = rows.filter((row) => passing[index].has(row.setting)).map((row) => row.values[columnOf(title)]);
        return [title, values.filter((value) => value !== undefined), range];
      });
      const shown = new Set();
      for (const row of rows) {
        const within = passing.every((inside) => inside.has(row.setting));
        const visible = wrong || (within && conditions.every((holds) => holds(row)));
        row.element.hidden = !visible;
        if (visible) shown.add(row.setting);
      }
      for (const mark of all(".chart-room [data-setting]", section)) mark.classList.toggle("out", !shown.has(mark.dataset.setting));
      const said = wrong ? "no such column" : `${shown.size} of ${rows.length} settings`;
      if (count.textContent !== said) count.textContent = said;
    };

    const sort = (element) => {
      const heads = all("thead th", element);
      const index = heads.findIndex((head) => head.dataset.name === order?.name);
      if (index < 0) return;
      heads.forEach((head) => head.removeAttribute("aria-sort"));
      heads[index].setAttribute("aria-sort", order.ascending ? "ascending" : "descending");
      const compared = (a, b) => {
        const [x, y] = [a.values[index], b.values[index]];
        if (x === undefined || y === undefined) return (x === undefined) - (y === undefined);
        const [m, n] = [Number(x), Number(y)];
        const by = Number.isNaN(m) || Number.isNaN(n) ? x.localeCompare(y, "en") : m - n;
        return order.ascending ? by : -by;
      };
      element.tBodies[0].append(...rows.slice().sort(compared).map((row) => row.element));
    };

    const button = (head) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        order = { name: head.dataset.name, ascending: head.getAttribute("aria-sort") !== "ascending" };
        sort(head.closest("table"));
      });
    };

    input.addEventListener("input", apply);
    document.querySelector(`[data-reset="${id}"]`).addEventListener("click", () => {
      input.value = "";
      brushes.clear();
      all(".brush", section).forEach((brush) => brush.remove());
      apply();
    });
    highlight(section);
    read();
    return read;
  };

  // Pointing at a setting in the table or a chart highlights it in all of them.
  const tip = document.getElementById("tip");
  const highlight = (section) => {
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

  // Dragging along an axis of the parallel coordinates keeps only the settings that pass there. A click
  // removes the brush.
  const brushing = (svg, brushes, apply) => {
    const at = (event) => new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse()).y;
    const rect = (attributes) => {
      const rect = document.createElementNS("http://www.w3.org/2000/svg", "rect");
      for (const [name, value] of Object.entries(attributes)) rect.setAttribute(name, value);
      return rect;
    };
    for (const axis of all("[data-axis]", svg)) {
      const index = Number(axis.dataset.axis);
      const [x, top, bottom] = [axis.dataset.x, axis.dataset.top, axis.dataset.bottom].map(Number);
      const grip = rect({ class: "grip", x: x - 14, y: top - 6, width: 28, height: bottom - top + 12, fill: "transparent" });
      grip.style.cursor = "ns-resize";
      grip.style.touchAction = "none";
      svg.append(grip);
      let start = null;
      let brush = null;
      const draw = () => {
        brush?.remove();
        brush = null;
        if (!brushes.has(index)) return;
        const [from, to] = brushes.get(index);
        brush = rect({ class: "brush", x: x - 8, y: from, width: 16, height: to - from });
        svg.insertBefore(brush, grip);
      };
      draw();
      grip.addEventListener("pointerdown", (event) => {
        grip.setPointerCapture(event.pointerId);
        brushes.delete(index);
        draw();
        start = at(event);
        apply();
      });
      grip.addEventListener("pointermove", (event) => {
        if (start === null || (!brushes.has(index) && Math.abs(at(event) - start) < 4)) return;
        brushes.set(index, [start, at(event)].sort((a, b) => a - b).map((y) => Math.max(top - 2, Math.min(bottom + 2, y))));
        draw();
        apply();
      });
      grip.addEventListener("pointerup", () => { start = null; });
      grip.addEventListener("pointercancel", () => { start = null; });
    }
  };

  // live.js adds sections, rows and charts to a live page.
  const sections = new WeakMap();
  const renew = () => {
    for (const section of all("section:has(> .controls)")) {
      if (sections.has(section)) sections.get(section)();
      else sections.set(section, table(section));
    }
  };
  document.addEventListener("renewed", renew);
  renew();
})();
