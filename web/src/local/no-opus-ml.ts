// In the place of 4 MB that conceal lost packets of a call: recordings in files have none.
export const OpusMLDecoder = undefined;
