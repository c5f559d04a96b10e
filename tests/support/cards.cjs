// Reads Adaptive Cards with the library that draws them: in {home, cards}, out what it says against each.
const { createRequire } = require("node:module");

const input = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
globalThis.self = globalThis; // its bundle is made for browsers
const ac = createRequire(input.home + "/")("adaptivecards/dist/adaptivecards.js");

const results = input.cards.map((json) => {
  const context = new ac.SerializationContext(ac.Versions.v1_5);
  const card = new ac.AdaptiveCard();
  ac.CardElement.langProperty.regEx.lastIndex = 0; // a /g pattern of the library's own, which remembers the last card
  card.parse(json, context);
  const events = [];
  for (let i = 0; i < context.eventCount; i++) {
    events.push(context.getEventAt(i).message);
  }
  const seen = { TextRun: 0, "Action.OpenUrl": 0 };
  const count = (element) => {
    if (element instanceof ac.TextRun) seen.TextRun++;
    for (let i = 0; element.getItemCount && i < element.getItemCount(); i++) count(element.getItemAt(i));
    for (let i = 0; element.getInlineCount && i < element.getInlineCount(); i++) count(element.getInlineAt(i));
    for (let i = 0; element.getActionCount && i < element.getActionCount(); i++) seen["Action.OpenUrl"]++;
  };
  count(card);
  return { events, seen, version: card.version.toString() };
});
process.stdout.write(JSON.stringify(results));
