// The domains of URLs. The package `tr46` has large tables, so it is loaded only for domains that need them: those with
// characters outside of ASCII, or with such characters in Punycode.
const isPlain = (domain) => /^[\0-\x7f]*$/.test(domain) && !/(^|\.)xn--/i.test(domain);

// The rules of the URL Standard, for both directions.
const RULES = { checkBidi: true, checkJoiners: true };

exports.toASCII = (domain, options = RULES) =>
  isPlain(domain) ? domain.toLowerCase() : require("tr46").toASCII(domain, options);

exports.toUnicode = (domain) => (isPlain(domain) ? domain : require("tr46").toUnicode(domain, RULES).domain);
