// The functions whose text depends on a locale, for the only one that a component has: en-US, as in Fabric's containers.
// Other locales and options fail: a wrong text could get on the ledger.
import { defined } from "./dates.js";

const DEFAULT = /^en(-us)?$/i;
const UTC = /^(utc|gmt|etc\/utc|etc\/gmt)$/i;
// Languages whose letters have other counterparts than those of Unicode's default.
const OWN_CASE = /^(az|el|hy|lt|tr)\b/i;

const localeOf = (locales) => (Array.isArray(locales) ? locales[0] : locales);

function check(name, locales, options) {
  if (locales === null) throw new TypeError("Incorrect locale information provided");
  const locale = localeOf(locales);
  const { timeZone = "UTC", ...others } = options ?? {};
  const fail = (what) => {
    throw new Error(`${name} with ${what} is not available in a chaincode component: write the text with your own code`);
  };
  if (locale !== undefined && !DEFAULT.test(locale)) fail(`the locale ${locale}`);
  if (!UTC.test(timeZone)) fail(`the time zone ${timeZone}`);
  const [option] = Object.keys(others).filter((name) => others[name] !== undefined);
  if (option !== undefined) fail(`the option ${option}`);
}

// Replaces a function by one that checks its locales and options.
function replace({ prototype, name: of }, name, write) {
  defined(prototype, name, function (locales, options) {
    check(`${of}.${name}`, locales, options);
    return write.call(this);
  });
}

const two = (number) => String(number).padStart(2, "0");

function day(date) {
  const year = date.getFullYear();
  // Years before the first one have no sign.
  return `${date.getMonth() + 1}/${date.getDate()}/${year > 0 ? year : 1 - year}`;
}

function time(date) {
  const hours = date.getHours();
  return `${hours % 12 || 12}:${two(date.getMinutes())}:${two(date.getSeconds())} ${hours < 12 ? "AM" : "PM"}`;
}

const DATES = {
  toLocaleString: (date) => `${day(date)}, ${time(date)}`,
  toLocaleDateString: day,
  toLocaleTimeString: time,
};
for (const [name, text] of Object.entries(DATES)) {
  replace(Date, name, function () {
    return Number.isNaN(Date.prototype.getTime.call(this)) ? "Invalid Date" : text(this);
  });
}

const grouped = (digits) => digits.replace(/\B(?=(\d{3})+$)/g, ",");

// Returns a number with three decimals at most. As on Node.js, the shortest text of the number is rounded, not its exact
// value.
function rounded(number) {
  const [, first, others = "", exponent] = /^(\d)(?:\.(\d+))?e(.*)$/.exec(number.toExponential());
  const shift = Number(exponent) - others.length + 3;
  const scale = 10n ** BigInt(Math.abs(shift));
  const digits = BigInt(first + others);
  const thousandths = shift < 0 ? (2n * digits + scale) / (2n * scale) : digits * scale;
  const text = String(thousandths).padStart(4, "0");
  const decimals = text.slice(-3).replace(/0+$/, "");
  return grouped(text.slice(0, -3)) + (decimals && `.${decimals}`);
}

replace(Number, "toLocaleString", function () {
  const number = Number.prototype.valueOf.call(this);
  if (Number.isNaN(number)) return "NaN";
  const sign = number < 0 || Object.is(number, -0) ? "-" : "";
  return sign + (Number.isFinite(number) ? rounded(Math.abs(number)) : "∞");
});

replace(BigInt, "toLocaleString", function () {
  return grouped(BigInt.prototype.toString.call(this));
});

// The engine does not pass the arguments to the elements of arrays.
replace(Array, "toLocaleString", Array.prototype.toLocaleString);
replace(Object.getPrototypeOf(Uint8Array), "toLocaleString", Array.prototype.toLocaleString);

for (const name of ["LowerCase", "UpperCase"]) {
  const write = String.prototype[`to${name}`];
  defined(String.prototype, `toLocale${name}`, function (locales) {
    const locale = localeOf(locales);
    if (locale !== undefined && OWN_CASE.test(locale)) check(`String.toLocale${name}`, locale);
    return write.call(this);
  });
}
