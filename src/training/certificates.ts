// What to do about a certificate that is not accepted, by the codes of OpenSSL and Node.
const authority = /SELF_SIGNED|UNABLE_TO_(VERIFY|GET_ISSUER)|CERT_UNTRUSTED|INVALID_CA/;

/** One piece of advice, in words; undefined where the trouble is another. Clients may wrap an error in others. */
export function certificateAdvice(error: unknown): string | undefined {
  for (let one = error; one instanceof Error; one = one.cause) {
    const text = `${(one as { code?: unknown }).code ?? ''} ${one.message}`;
    if (/ERR_TLS_CERT_ALTNAME_INVALID|does not match certificate/.test(text)) {
      return 'its certificate is of another host; use a name that stands in it';
    }
    if (/CERT_HAS_EXPIRED|CERT_NOT_YET_VALID|certificate has expired|not yet valid/.test(text)) {
      return 'its certificate is not valid today; renew it, and see that the clock is right';
    }
    if (authority.test(text) || /self.signed certificate|unable to (verify|get)/.test(text)) {
      return 'its certificate is signed by an authority that is not known here; name it with NODE_EXTRA_CA_CERTS=FILE';
    }
  }
  return undefined;
}
