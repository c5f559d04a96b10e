// Judges pages that go by mail: mail_look.mjs FILE...; prints a JSON list of what html-validate finds, and of what Gmail and
// Outlook do not understand by caniemail's tables: [file, judge, what, where]. Runs beside the node_modules that have both.
import { caniemail } from "caniemail";
import { HtmlValidate } from "html-validate";
import { readFileSync } from "node:fs";
import { basename } from "node:path";

const validator = new HtmlValidate({
  root: true,
  extends: ["html-validate:recommended"],
  rules: {
    "no-inline-style": "off", // the only styles that all mail programs keep
    "no-deprecated-attr": "off", // widths and paddings of tables that Outlook on Windows lays out by
    "presentation-role-style": ["error", { prefer: "presentation" }], // the older name of the role is known to more of them
  },
});
const said = [];
for (const file of process.argv.slice(2)) {
  const html = readFileSync(file, "utf8"), name = basename(file);
  for (const result of (await validator.validateString(html)).results)
    for (const message of result.messages)
      said.push([name, "html-validate", `${message.ruleId}: ${message.message}`, `line ${message.line}`]);
  const { issues } = caniemail({ clients: ["gmail.*", "outlook.*"], html });
  for (const list of [issues.errors, issues.warnings])
    for (const [client, found] of list)
      for (const issue of found)
        said.push([name, "caniemail", `${issue.title}: ${issue.support}`, client]);
}
console.log(JSON.stringify(said));
