// The domains of URLs. The package `tr46` has large tables, so it is loaded only for domains that need them: those with
// characters outside of ASCII, or with such characters in Punycode.
const isPlain = (domain) => /^[\0-\x7f]*$/.test(domain) && !/(^|\.)xn--/i.test(domain);

exports.toASCII = (domain, options) =>
  isPlain(domain) ? domain.toLowerCase() : require("tr46").toASCII(domain, options);
