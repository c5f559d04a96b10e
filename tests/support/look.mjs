// Looks at pages and pictures in headless Chromium, light and dark, wide and on a telephone, and says what is wrong with them:
// look.mjs CHROMIUM MODULES FOLDER FILE...; prints a JSON list, screenshots go to FOLDER.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { basename } from "node:path";

const [chromium, modules, folder, ...files] = process.argv.slice(2);
const require = createRequire(modules + "/");
const { chromium: launcher } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

// What axe does not look at: texts of pictures and what lies behind them.
function measure() {
  const found = [];
  const luminance = (rgb) => rgb.map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const rgb = (text) => (text.match(/[\d.]+/g) || []).map(Number);
  const contrast = (a, b) => {
    const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x);
    return (high + 0.05) / (low + 0.05);
  };
  const behind = (shapes, box) => {
    const x = box.left + box.width / 2, y = box.top + box.height / 2;
    return shapes.findLast((s) => s.left <= x && s.right >= x && s.top <= y && s.bottom >= y)?.fill || "rgb(255, 255, 255)";
  };
  for (const svg of document.querySelectorAll("svg.rp")) {
    const frame = svg.getBoundingClientRect(), boxes = [];
    if (!svg.querySelector("title")?.textContent || !svg.querySelector("desc")?.textContent || svg.getAttribute("role") !== "img")
      found.push("a picture without a title, a description or the role img");
    for (const id of svg.getAttribute("aria-labelledby").split(" "))
      if (document.querySelectorAll("#" + id).length !== 1)
        found.push(`the id ${id} is not there once`);
    const scale = svg.getScreenCTM().a;
    const shapes = [...svg.querySelectorAll("rect, path.rp-ground")].map((shape) => {
      const { left, right, top, bottom } = shape.getBoundingClientRect();
      return { left, right, top, bottom, fill: getComputedStyle(shape).fill };
    }).filter((shape) => shape.fill.startsWith("rgb"));
    for (const text of svg.querySelectorAll("text")) {
      const box = text.getBoundingClientRect(), style = getComputedStyle(text), size = parseFloat(style.fontSize) * scale;
      if (size < 12)
        found.push(`"${text.textContent}" is ${size} px`);
      if (box.left < frame.left - 0.5 || box.right > frame.right + 0.5 || box.top < frame.top - 0.5 || box.bottom > frame.bottom + 0.5)
        found.push(`"${text.textContent}" is cut at the edge`);
      const ratio = contrast(rgb(style.fill), rgb(behind(shapes, box)));
      if (ratio < 4.5)
        found.push(`"${text.textContent}" has a contrast of ${ratio.toFixed(2)}`);
      for (const other of boxes)
        if (box.left < other.right - 0.5 && box.right > other.left + 0.5 && box.top < other.bottom - 3 && box.bottom > other.top + 3)
          found.push(`"${text.textContent}" lies on another text`);
      boxes.push(box);
    }
    if (/NaN|inf/i.test(svg.innerHTML.replace(/<style.*?<\/style>/s, "")))
      found.push("a number that is none");
  }
  for (const element of document.querySelectorAll("body *"))
    if (!element.closest("svg") && element.childNodes.length && parseFloat(getComputedStyle(element).fontSize) < 12)
      found.push(`${element.tagName} in ${getComputedStyle(element).fontSize}`);
  if (document.documentElement.scrollWidth > innerWidth)
    found.push(`the page is ${document.documentElement.scrollWidth} px wide on ${innerWidth}`);
  if (document.querySelectorAll("script, link, img, iframe").length)
    found.push("something that is fetched or run");
  return [...new Set(found)];
}

const browser = await launcher.launch({ executablePath: chromium, args: ["--no-sandbox"] });
const page = await browser.newPage(), said = [];
let name, n_looks = 0;
const say = (what) => said.push(`${name}: ${what}`);
page.on("console", (message) => message.type() === "error" && say(message.text()));
page.on("request", (request) => request.url().startsWith("file:") || say(`asks for ${request.url()}`));
for (const file of files) {
  const isPage = file.endsWith(".html");
  name = basename(file);
  await page.goto("file://" + file);
  if (isPage)
    await page.evaluate(axe);
  for (const colorScheme of ["light", "dark"])
    for (const width of isPage ? [375, 1200] : [375]) {
      name = `${basename(file)} ${colorScheme} ${width}`;
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize({ width, height: 800 });
      (await page.evaluate(measure)).forEach(say);
      await page.screenshot({ path: `${folder}/${name.replaceAll(" ", "-")}.png`, fullPage: isPage });
      n_looks++;
      if (!isPage)
        continue;
      const result = await page.evaluate(() => axe.run({ runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa",
        "best-practice"] }));
      for (const violation of result.violations)
        say(`axe: ${violation.id}: ${violation.help}: ${violation.nodes[0].html.slice(0, 200)}`);
    }
}
await browser.close();
console.log(JSON.stringify({ said, n_looks }));
