// Prints unhandled rejections: the engine's, or those of the runtime's own promises.

let drain = () => {};
let unheard = () => [];
if (process.argv[2] === "ours") {
  ({ unheard } = await import("../../runtime/promise.js"));
  ({ drain } = await import("../../runtime/jobs.js"));
}
const { Promise } = globalThis;
process.on("unhandledRejection", (reason) => process.stdout.write(`${reason}\n`));

const rejected = (name) => Promise.reject(name);
rejected("alone");
rejected("caught").catch(() => {});
rejected("derived").then(() => {});
rejected("finally").finally(() => {});
Promise.all([rejected("first of all"), rejected("second of all")]);
Promise.allSettled([rejected("settled")]);
new Promise((resolve) => resolve(rejected("adopted")));
Promise.resolve().then(() => {
  throw "thrown";
});
const late = rejected("heard in time");
Promise.resolve().then(() => late.catch(() => {}));
Promise.race([Promise.resolve(1), rejected("lost the race")]);

drain();
for (const reason of unheard()) process.stdout.write(`${reason}\n`);
