// Takes pictures of pages: shot.mjs CHROMIUM MODULES, with a JSON list of {url, to, width, height, dark} on standard input.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const [chromium, modules] = process.argv.slice(2);
const { chromium: launcher } = createRequire(modules + "/")("playwright-core");
const browser = await launcher.launch({ executablePath: chromium, args: ["--no-sandbox"] });
for (const { url, to, width, height, dark } of JSON.parse(readFileSync(0, "utf8"))) {
  const page = await browser.newPage({ viewport: { width, height }, colorScheme: dark ? "dark" : "light" });
  const answer = await page.goto(url);
  if (answer && !answer.ok())
    throw new Error(`${url}: ${answer.status()}`);
  await page.screenshot({ path: to });
  await page.close();
}
await browser.close();
