// Judges webhooks by libraries of receivers. In: {home, requests: [{secret, headers, body (base64)}]}; out: for each request, for
// each library, null or why it is refused. A receiver's clock is set to the request's own time.
const { createRequire } = require("node:module");

const input = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
const load = createRequire(input.home + "/");
const realNow = Date.now;

function judge(name, request) {
  const { Webhook } = load(name);
  const body = Buffer.from(request.body, "base64").toString("utf8");
  Date.now = () => request.at * 1000;
  try {
    new Webhook(request.secret).verify(body, request.headers);
    return null;
  } catch (error) {
    return `${error.name}: ${error.message}`;
  } finally {
    Date.now = realNow;
  }
}

const results = input.requests.map((request) => Object.fromEntries(input.libraries.map((name) => [name, judge(name, request)])));
process.stdout.write(JSON.stringify(results));
