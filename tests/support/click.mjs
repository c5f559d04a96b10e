// Answers one item of a digest as a reader does, in headless Chromium without any script: opens the digest, follows the link below
// the account, fills the form, presses the button. Looks at each page on the way, light on a telephone and dark on a wide screen:
// click.mjs CHROMIUM MODULES FOLDER DIGEST ACCOUNT LABEL [FIELD=VALUE ...]; prints what it saw as JSON, screenshots go to FOLDER.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const [chromium, modules, folder, digest, account, label, ...fields] = process.argv.slice(2);
const require = createRequire(modules + "/");
const { chromium: launcher } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

const browser = await launcher.launch({ executablePath: chromium, args: ["--no-sandbox"] });
const context = await browser.newContext({ javaScriptEnabled: false });
const page = await context.newPage(), said = [], seen = {};
const copy = await browser.newPage(); // axe is a script: it looks at a copy
page.on("console", (message) => message.type() === "error" && said.push(message.text()));

// Of the two ways to look at a page each has one, or under RETAIND_HEAVY both.
const ways = [["light", 375], ["dark", 1200]];
const waysOf = (name) => process.env.RETAIND_HEAVY === "1" ? ways : [ways[name === "ask" ? 0 : 1]];

async function look(name) {
  seen[name] = { title: await page.title(), heading: await page.locator("h1").innerText(), text: await page.locator("main").innerText() };
  await copy.setContent(await page.content());
  await copy.evaluate(axe);
  for (const [colorScheme, width] of waysOf(name)) {
    await copy.emulateMedia({ colorScheme });
    await copy.setViewportSize({ width, height: 800 });
    const wide = await copy.evaluate(() => document.documentElement.scrollWidth);
    if (wide > width)
      said.push(`${name} is ${wide} px wide on ${width}`);
    for (const box of await copy.locator("a, button, select, textarea, .pick").evaluateAll(
      (all) => all.map((e) => e.getBoundingClientRect().height)))
      if (box < 44)
        said.push(`${name}: something to touch is ${box} px high`);
    const result = await copy.evaluate((rules) => axe.run({ runOnly: rules }), RULES);
    for (const violation of result.violations)
      said.push(`${name} ${colorScheme} ${width}: ${violation.id}: ${violation.nodes[0].html.slice(0, 200)}`);
    await copy.screenshot({ path: `${folder}/answer-${name}-${colorScheme}-${width}.png`, fullPage: true });
  }
}

await page.goto("file://" + digest);
await page.locator("table", { hasText: account }).last().getByRole("link", { name: label, exact: true }).click();
await page.locator("form").waitFor();
await look("ask");
for (const field of fields) {
  const [name, value] = field.split("=");
  await page.locator(`[name=${name}][value="${value}"]`).check();
}
await page.getByRole("button").click();
await page.locator("h1").waitFor();
await look("told");
seen.cookies = (await context.cookies()).length;
seen.undo = await page.locator("a").getAttribute("href");
await browser.close();
console.log(JSON.stringify({ said, seen }));
