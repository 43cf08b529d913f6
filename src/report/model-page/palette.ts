// The colours of labels on a model's page.

/** Eight colours of equal weight, apart for most kinds of colour vision; labels are always written out beside them. */
export const series = [
  ['#0b62a4', '#6fb6f2'],
  ['#b23a05', '#ff9d63'],
  ['#66489b', '#c6adf7'],
  ['#0a7353', '#63cfa6'],
  ['#8a5f00', '#e5bc55'],
  ['#9c2a68', '#f493c6'],
  ['#47606f', '#a3bac8'],
  ['#1d6f7e', '#71cedf'],
] as const;

/** Number of colours; the next label has the first again. */
export const SERIES_COLOURS = series.length;
